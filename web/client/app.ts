// The one script of the pages: each component registers itself.
import "./inbox.ts";
import "./lobby.ts";
import "./orders.ts";
import "./room.ts";
import "./shop.ts";
import "./shows.ts";
import "./studio.ts";
import "./unread.ts";

// A page taken from the browser's memory has lost its socket and its picture.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
