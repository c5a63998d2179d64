// An OpenID provider for tests: oidc-provider, on a free port of this machine,
// with its own pages for signing in. Package sessiontest starts it.
//
//   node provider.mjs <folder with node_modules> <settings, JSON>
//
// It prints its issuer. A line "rotate" on its input gives it other keys, and the
// end of its input ends it.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [folder, settings] = [process.argv[2], JSON.parse(process.argv[3])];
const library = pathToFileURL(join(folder, 'node_modules', 'oidc-provider', 'lib', 'index.js'));
const { Provider } = await import(library.href);

let generation = 0;

function keys() {
    generation++;
    const jwk = (kind, options, alg) => ({
        ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }),
        kid: `${alg}-${generation}`, alg, use: 'sig',
    });
    return { keys: [
        jwk('rsa', { modulusLength: 2048 }, 'RS256'),
        jwk('rsa', { modulusLength: 2048 }, 'RS384'),
        jwk('ec', { namedCurve: 'P-256' }, 'ES256'),
    ] };
}

// client takes tokens with one algorithm, which is also its name after "client-".
function client(alg) {
    const secret = alg.startsWith('HS') ? { client_secret: 's'.repeat(64) } : {};
    return {
        client_id: `client-${alg}`, id_token_signed_response_alg: alg, redirect_uris: settings.redirectURIs, ...secret,
        token_endpoint_auth_method: alg.startsWith('HS') ? 'client_secret_post' : 'none',
    };
}

function provider(issuer) {
    const p = new Provider(issuer, {
        jwks: keys(),
        clients: ['RS256', 'ES256', 'RS384', 'HS256'].map(client),
        enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'RS384', 'HS256'] },
        // Who signs in is in the settings, with what the claim says of them.
        findAccount: (_, id) => ({
            accountId: id, claims: () => ({ sub: id, [settings.claim]: settings.accounts[id] }),
        }),
        claims: { openid: ['sub', settings.claim] },
        conformIdTokenClaims: false,
        cookies: { keys: ['not a secret'] },
        clientBasedCORS: () => true,
        features: {
            // An access token that could be taken for an ID token, but for its type.
            resourceIndicators: {
                enabled: true,
                getResourceServerInfo: (_, resource) => ({
                    scope: '', audience: new URL(resource).pathname.slice(1), accessTokenFormat: 'jwt', accessTokenTTL: 3600,
                    jwt: { sign: { alg: 'RS256' } },
                }),
            },
        },
        extraTokenClaims: (_, token) => ({ [settings.claim]: settings.accounts[token.accountId] }),
        ttl: { IdToken: 3600, Interaction: 600, Session: 600, Grant: 600, AccessToken: 3600 },
    });
    p.on('server_error', (_, error) => console.error(error));
    return p.callback();
}

let handle;
const server = createServer((request, response) => handle(request, response));
server.listen(0, '127.0.0.1', () => {
    const issuer = `http://127.0.0.1:${server.address().port}`;
    handle = provider(issuer);
    console.log(issuer);
    const input = createInterface({ input: process.stdin });
    input.on('line', () => {
        handle = provider(issuer);
        console.log('rotated');
    });
    input.on('close', () => process.exit(0));
});
