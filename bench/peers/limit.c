/* What fan-out must cost at least: one send() a viewer, nothing else.

   limit STORE_SOCKET CHANNEL [joined]    prints its port; then for each message of
   CHANNEL makes one WebSocket frame and sends it to everybody; "joined": the frames of all
   messages that were read together leave with one send. The handshake's key is not
   answered (the load client does not look), pings are not sent, a short send ends it. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fds[65536], open_count, loop, joined;
static unsigned char frames[1 << 21];
static size_t filled;

static void watch(int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
}

static int store(const char *where, const char *channel) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char command[256];
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  strncpy(address.sun_path, where, sizeof address.sun_path - 1);
  if (connect(fd, (struct sockaddr *)&address, sizeof address)) exit(1);
  int length = snprintf(command, sizeof command, "SUBSCRIBE %s\r\n", channel);
  if (write(fd, command, length) != length) exit(1);
  return fd;
}

static void flush_all(void) {
  for (int i = 0; filled && i < open_count; i++)
    if (send(fds[i], frames, filled, MSG_DONTWAIT | MSG_NOSIGNAL) < (ssize_t)filled)
      exit(3);
  filled = 0;
}

static void fan_out(const char *text, size_t length) {
  unsigned char *frame = frames + filled;
  size_t at = 0;
  frame[at++] = 0x81;
  if (length < 126) {
    frame[at++] = length;
  } else {
    frame[at++] = 126;
    frame[at++] = length >> 8;
    frame[at++] = length;
  }
  memcpy(frame + at, text, length);
  filled += at + length;
  if (!joined) flush_all();
}

/* Messages of a subscription: the last of each three bulk strings that begin with
   "message". Enough for one channel. */
static size_t parse(char *data, size_t fill) {
  size_t at = 0;
  for (;;) {
    char *parts[3], *cursor = data + at, *end = data + fill;
    long lengths[3];
    int part;
    if (cursor >= end) return at;
    cursor = memmem(cursor, end - cursor, "\r\n", 2); /* *3 */
    if (!cursor) return at;
    cursor += 2;
    for (part = 0; part < 3; part++) {
      if (cursor >= end) return at;
      char kind = *cursor;
      lengths[part] = strtol(cursor + 1, NULL, 10);
      cursor = memmem(cursor, end - cursor, "\r\n", 2);
      if (!cursor) return at;
      cursor += 2;
      parts[part] = cursor;
      if (kind == '$') cursor += lengths[part] + 2;
    }
    if (cursor > end) return at;
    if (!memcmp(parts[0], "message", 7)) fan_out(parts[2], lengths[2]);
    at = cursor - data;
  }
}

int main(int argc, char **argv) {
  static char buffer[1 << 20];
  size_t fill = 0;
  int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  joined = argc == 4;
  if (argc < 3 || bind(listener, (struct sockaddr *)&address, size)) return 1;
  listen(listener, 1024);
  getsockname(listener, (struct sockaddr *)&address, &size);
  loop = epoll_create1(0);
  int link = store(argv[1], argv[2]);
  watch(listener);
  watch(link);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    struct epoll_event event;
    if (epoll_wait(loop, &event, 1, -1) != 1) continue;
    int fd = event.data.fd;
    if (fd == listener) {
      int viewer = accept(listener, NULL, NULL);
      setsockopt(viewer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      watch(viewer);
    } else if (fd == link) {
      ssize_t got = read(link, buffer + fill, sizeof buffer - fill);
      if (got <= 0) return 1;
      size_t used = parse(buffer, fill += got);
      flush_all();
      memmove(buffer, buffer + used, fill -= used);
    } else {
      char request[4096];
      if (read(fd, request, sizeof request) <= 0) {
        close(fd);
        continue;
      }
      const char *answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                           "Connection: Upgrade\r\n\r\n";
      send(fd, answer, strlen(answer), MSG_NOSIGNAL);
      fds[open_count++] = fd;
    }
  }
}
