// An authorization server of another project (the npm package oidc-provider), for the bed: issues
// tokens to the client "app" and tells the client "gate way" what they are worth.
//   node provider.js <issuer> <port> <seconds a token lives>
// SPDX-License-Identifier: GPL-3.0-or-later
import { Provider } from "oidc-provider";

const [issuer, port, seconds] = process.argv.slice(2);
const machine = { grant_types: ["client_credentials"], redirect_uris: [], response_types: [] };
const provider = new Provider(issuer, {
  clients: [
    { client_id: "gate way", client_secret: "s:cret/1", ...machine },
    { client_id: "app", client_secret: "app-secret", scope: "read write", ...machine },
  ],
  scopes: ["read", "write"],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: async () => true },
    revocation: { enabled: true, allowedPolicy: async () => true },
    // Tokens for an API that is named are signed ones (RFC 9068); others are opaque.
    resourceIndicators: {
      enabled: true,
      defaultResource: async () => undefined,
      getResourceServerInfo: async (_, resource) => ({
        scope: "read write", audience: resource, accessTokenFormat: "jwt",
      }),
    },
  },
  ttl: { ClientCredentials: Number(seconds) },
});
provider.listen(Number(port), () => console.log(`listens on ${port}`));
