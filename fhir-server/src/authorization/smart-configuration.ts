// https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html#using-well-known
import { appStatePath } from './app-state.ts';
import { type Brands, brandsPath, primaryIdentifier } from './brands.ts';

/** Only what a behaviour test backs; never "plain". */
const capabilities = [
  'launch-ehr',
  'launch-standalone',
  'authorize-post',
  'client-public',
  'client-confidential-symmetric',
  'client-confidential-asymmetric',
  'sso-openid-connect',
  'context-banner',
  'context-style',
  'context-ehr-patient',
  'context-ehr-encounter',
  'context-standalone-patient',
  'context-standalone-encounter',
  'permission-offline',
  'permission-online',
  'permission-patient',
  'permission-user',
  'permission-v1',
  'permission-v2',
];

export const authMethods = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'];
export const assertionAlgorithms = ['RS384', 'ES384'];

export interface Discovery {
  readonly [name: string]: unknown;
}

export function smartConfiguration(origin: string, brands: Brands, furtherGrants: readonly string[] = []): Discovery {
  return {
    issuer: `${origin}/oauth`,
    jwks_uri: `${origin}/oauth/jwks`,
    authorization_endpoint: `${origin}/oauth/authorize`,
    token_endpoint: `${origin}/oauth/token`,
    introspection_endpoint: `${origin}/oauth/introspection`,
    revocation_endpoint: `${origin}/oauth/revocation`,
    registration_endpoint: `${origin}/oauth/register`,
    userinfo_endpoint: `${origin}/oauth/userinfo`,
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials', ...furtherGrants],
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: authMethods,
    token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    scopes_supported: [
      'openid',
      'fhirUser',
      'launch',
      'launch/patient',
      'launch/encounter',
      'online_access',
      'offline_access',
      'patient/*.rs',
      'user/*.cruds',
      'user/$acute-care-risk',
      'user/$check-medications',
      'system/*.cruds',
      'system/$acute-care-risk',
      'system/$check-medications',
      'user/$deidentify',
      'system/$deidentify',
    ],
    user_access_brand_bundle: `${origin}${brandsPath}`,
    user_access_brand_identifier: primaryIdentifier(origin, brands),
    associated_endpoints: [{ url: `${origin}${appStatePath}`, capabilities: ['smart-app-state'] }],
    capabilities,
  };
}

/** https://openid.net/specs/openid-connect-discovery-1_0.html: the same server, so the same values. */
export function openidConfiguration(origin: string, brands: Brands, furtherGrants: readonly string[] = []): Discovery {
  return {
    ...smartConfiguration(origin, brands, furtherGrants),
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    claims_supported: ['sub', 'fhirUser', 'iss', 'aud', 'exp', 'iat', 'nonce'],
    response_modes_supported: ['query', 'fragment'],
    authorization_response_iss_parameter_supported: true,
    request_uri_parameter_supported: false,
  };
}
