// https://hl7.org/fhir/smart-app-launch/STU2.2/best-practices.html — whom the app lets launch it: `iss` is an allow list, not an input.

/** The FHIR base that an `iss` stands for; undefined: not on the list. The app is served by the server it reads from, and by no other. */
export function allowedIssuer(iss: string | null, origin: string): string | undefined {
  const own = `${origin}/fhir`;
  return iss === own || iss === `${own}/` ? own : undefined;
}

export interface SmartEndpoints {
  readonly issuer: string | undefined;
  readonly authorize: string;
  readonly token: string;
}

function onOrigin(value: unknown, origin: string): string | undefined {
  if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
  return new URL(value).origin === origin ? value : undefined;
}

/** What the app needs of a smart-configuration; undefined where an endpoint is missing or elsewhere, or S256 is not offered. */
export function endpointsOf(configuration: unknown, origin: string): SmartEndpoints | undefined {
  if (typeof configuration !== 'object' || configuration === null) return undefined;
  const found = configuration as { readonly [name: string]: unknown };
  const authorize = onOrigin(found['authorization_endpoint'], origin);
  const token = onOrigin(found['token_endpoint'], origin);
  const methods = found['code_challenge_methods_supported'];
  if (!authorize || !token || !Array.isArray(methods) || !methods.includes('S256')) return undefined;
  return { authorize, token, issuer: typeof found['issuer'] === 'string' ? found['issuer'] : undefined };
}
