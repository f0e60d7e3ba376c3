// The one script of the pages: each component registers itself.
import "./bag.ts";
import "./bag_count.ts";
import "./desk.ts";
import "./inbox.ts";
import "./lobby.ts";
import "./offered.ts";
import "./order.ts";
import "./orders.ts";
import "./room.ts";
import "./shop.ts";
import "./shows.ts";
import "./studio.ts";
import "./unread.ts";
import "./waits.ts";

// A page taken from the browser's memory has lost its socket and its picture.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
