// The one script of the pages: each component registers itself.
import "./inbox.ts";
import "./room.ts";
import "./unread.ts";
