/* Viewers for the benches: COUNT WebSockets on one epoll, every sequence checked.

   load PORT PATH COUNT HELLO READY [TOKENS]
     HELLO  text frame each viewer sends after the handshake ("" for none)
     TOKENS a file with a line for each viewer, which stands for the @ in its HELLO
     READY  what a frame must contain for the viewer to be ready ("": the handshake)
   Prints "ready"; then a sequence number as soon as all viewers have it; at the end of
   stdin a JSON summary. A payload may hold several messages; each has "seq":N. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER 262144 /* touched as far as frames are long */
#define AHEAD 4096
#define CONNECTING 32 /* handshakes under way at once */

struct viewer {
  int fd, state, fill; /* state 0: handshake, 1: not ready, 2: ready */
  long last;
  char *buffer;
};

static struct viewer *viewers;
static long seen[AHEAD], received, wrong, closed, bytes;
static int count, begun, ready_count, loop;
static const char *path, *hello, *ready;
static FILE *tokens;
static struct sockaddr_in address;

static void die(const char *what) { perror(what); exit(1); }

static void say(int fd, int opcode, const char *text, size_t length) {
  unsigned char frame[4096];
  size_t at = 0;
  frame[at++] = 0x80 | opcode;
  if (length < 126) {
    frame[at++] = 0x80 | length;
  } else {
    frame[at++] = 0x80 | 126;
    frame[at++] = length >> 8;
    frame[at++] = length;
  }
  memset(frame + at, 0, 4); /* a mask of zeros leaves the text as it is */
  at += 4;
  memcpy(frame + at, text, length);
  if (send(fd, frame, at + length, MSG_NOSIGNAL) < 0) die("send");
}

static void greet(struct viewer *viewer) {
  char text[4096], token[512];
  const char *hole = strchr(hello, '@');
  if (!tokens || !hole) {
    say(viewer->fd, 1, hello, strlen(hello));
    return;
  }
  if (!fgets(token, sizeof token, tokens)) die("a token for each viewer");
  token[strcspn(token, "\n")] = 0;
  int length = snprintf(text, sizeof text, "%.*s%s%s", (int)(hole - hello), hello,
                        token, hole + 1);
  say(viewer->fd, 1, text, length);
}

static void begin(void) {
  struct viewer *viewer = &viewers[begun++];
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = viewer};
  char request[1024];
  int length, one = 1;
  viewer->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(viewer->fd, (struct sockaddr *)&address, sizeof address)) die("connect");
  setsockopt(viewer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  viewer->buffer = malloc(BUFFER);
  length = snprintf(request, sizeof request,
                    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                    path, ntohs(address.sin_port));
  if (send(viewer->fd, request, length, MSG_NOSIGNAL) < 0) die("send");
  fcntl(viewer->fd, F_SETFL, O_NONBLOCK);
  if (epoll_ctl(loop, EPOLL_CTL_ADD, viewer->fd, &event)) die("epoll_ctl");
}

static void is_ready(struct viewer *viewer) {
  viewer->state = 2;
  if (++ready_count == count) {
    puts("ready");
    fflush(stdout);
  }
  if (begun < count) begin();
}

static void read_sequence(struct viewer *viewer, const char *text, const char *end) {
  while ((text = memmem(text, end - text, "\"seq\":", 6))) {
    long number = strtol(text += 6, NULL, 10);
    received++;
    if (viewer->last && number != viewer->last + 1) wrong++;
    viewer->last = number;
    if (++seen[number % AHEAD] == count) {
      seen[number % AHEAD] = 0;
      printf("%ld\n", number);
      fflush(stdout);
    }
  }
}

static void frame(struct viewer *viewer, int opcode, char *text, size_t length) {
  if (opcode == 9) say(viewer->fd, 10, text, length);
  if (opcode > 2) return;
  if (length == 2 && !memcmp(text, "{}", 2)) say(viewer->fd, 1, "{}", 2);
  if (length == 1 && *text == '2') say(viewer->fd, 1, "3", 1); /* Engine.IO's ping */
  if (viewer->state == 1 && memmem(text, length, ready, strlen(ready))) is_ready(viewer);
  read_sequence(viewer, text, text + length);
}

static size_t parse(struct viewer *viewer) {
  unsigned char *data = (unsigned char *)viewer->buffer;
  size_t at = 0, fill = viewer->fill;
  if (viewer->state == 0) {
    char *end = memmem(data, fill, "\r\n\r\n", 4);
    if (!end) return 0;
    if (memcmp(data, "HTTP/1.1 101", 12)) {
      fprintf(stderr, "%.*s\n", (int)fill, data);
      exit(1);
    }
    at = end + 4 - (char *)data;
    viewer->state = 1;
    if (*hello) greet(viewer);
    if (!*ready) is_ready(viewer);
  }
  while (fill - at >= 2) {
    size_t head = 2, length = data[at + 1] & 127;
    if (length == 126) {
      head = 4;
      if (fill - at < head) break;
      length = data[at + 2] << 8 | data[at + 3];
    } else if (length == 127) {
      head = 10;
      if (fill - at < head) break;
      length = (size_t)data[at + 6] << 24 | data[at + 7] << 16 | data[at + 8] << 8 |
               data[at + 9];
      if (length > BUFFER - head) {
        fprintf(stderr, "a frame of %zu bytes\n", length);
        exit(1);
      }
    }
    if (fill - at < head + length) break;
    frame(viewer, data[at] & 15, (char *)data + at + head, length);
    at += head + length;
  }
  return at;
}

static void take(struct viewer *viewer) {
  ssize_t got = recv(viewer->fd, viewer->buffer + viewer->fill, BUFFER - viewer->fill, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    closed++;
    close(viewer->fd);
    return;
  }
  bytes += got;
  viewer->fill += got;
  size_t used = parse(viewer);
  memmove(viewer->buffer, viewer->buffer + used, viewer->fill -= used);
}

int main(int argc, char **argv) {
  struct epoll_event events[512];
  if (argc < 6) return 2;
  if (argc > 6 && !(tokens = fopen(argv[6], "r"))) die(argv[6]);
  path = argv[2], count = atoi(argv[3]), hello = argv[4], ready = argv[5];
  address.sin_family = AF_INET;
  address.sin_port = htons(atoi(argv[1]));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  viewers = calloc(count, sizeof *viewers);
  loop = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(loop, EPOLL_CTL_ADD, 0, &event);
  while (begun < count && begun < CONNECTING) begin();
  for (;;) {
    int number = epoll_wait(loop, events, 512, -1);
    for (int i = 0; i < number; i++) {
      char byte;
      if (events[i].data.ptr) {
        take(events[i].data.ptr);
      } else if (read(0, &byte, 1) <= 0) {
        printf("{\"received\":%ld,\"wrong\":%ld,\"closed\":%ld,\"bytes\":%ld}\n",
               received, wrong, closed, bytes);
        return 0;
      }
    }
  }
}
