// The stock centrifuge SDK, unmodified, as a player: told a verb it does it, and tells
// what happens to it. In Node, and bundled for a page as `stock.player`.

import { Centrifuge } from "centrifuge";

export function player(url, tell, options = {}) {
  const tokens = [];
  const client = new Centrifuge(url, {
    ...options,
    getToken: async () => {
      tell({ event: "token" });
      return tokens.shift();
    },
    minReconnectDelay: 5,
    maxReconnectDelay: 100,
  });
  const listen = (from) => {
    from.on("subscribed", ({ channel, wasRecovering, recovered, data }) =>
      tell({ event: "subscribed", channel, was_recovering: wasRecovering, recovered, data }),
    );
    from.on("unsubscribed", ({ channel, code }) =>
      tell({ event: "unsubscribed", channel, code }),
    );
    from.on("publication", ({ channel, data, offset }) =>
      tell({ event: "publication", channel, data, offset }),
    );
  };
  listen(client);
  client.on("connected", ({ data }) => tell({ event: "connected", data }));
  client.on("disconnected", ({ code, reason }) => tell({ event: "disconnected", code, reason }));
  return {
    async connect({ tokens: given }) {
      tokens.push(...given);
      client.connect();
    },
    async subscribe({ channel }) {
      const subscription = client.newSubscription(channel);
      listen(subscription);
      subscription.subscribe();
    },
    rpc: ({ method, data }) => client.rpc(method, data),
    async history({ channel, ...wish }) {
      const { publications, epoch, offset } = await client.history(channel, wish);
      const seen = publications.map(({ data, offset }) => ({ data, offset }));
      return { publications: seen, epoch, offset };
    },
    async presence_stats({ channel }) {
      const { numClients, numUsers } = await client.presenceStats(channel);
      return { num_clients: numClients, num_users: numUsers };
    },
  };
}
