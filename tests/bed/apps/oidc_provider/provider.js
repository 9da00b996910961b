// An authorization server of another project (the npm package oidc-provider), for the bed: issues
// tokens to the client "app", tells the client "gate way" what they are worth, and logs in the users
// of the client "browser": anybody, with pages of its own. Each start has a new key.
//   node provider.js <issuer> <port> <seconds a token lives>
// SPDX-License-Identifier: GPL-3.0-or-later
import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const [issuer, port, seconds] = process.argv.slice(2);
const machine = { grant_types: ["client_credentials"], redirect_uris: [], response_types: [] };
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const account = (id) => ({
  accountId: id,
  claims: async () => ({ sub: id, email: `${id}@example.com`, groups: ["dev", "ops"] }),
});
const provider = new Provider(issuer, {
  clients: [
    { client_id: "gate way", client_secret: "s:cret/1", ...machine },
    { client_id: "app", client_secret: "app-secret", scope: "read write", ...machine },
    {
      client_id: "browser",
      client_secret: "s:cret/2",
      redirect_uris: ["https://shop.example.com/oauth2/callback"],
      post_logout_redirect_uris: ["https://shop.example.com/bye"],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "RS256", use: "sig" }] },
  scopes: ["openid", "email", "offline_access", "read", "write"],
  claims: { openid: ["sub"], email: ["email", "groups"] },
  conformIdTokenClaims: false,
  findAccount: async (ctx, id) => account(id),
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed("refresh_token"),
  features: {
    devInteractions: { enabled: true },
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
  ttl: { ClientCredentials: Number(seconds), AccessToken: Number(seconds) },
});
provider.listen(Number(port), () => console.log(`listens on ${port}`));
