// The part of oidc-provider 9 that this folder uses; the package ships no types.
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export interface Grant {
    readonly jti: string;
    readonly resources?: { readonly [resource: string]: string };
    addOIDCScope(scope: string): void;
    addResourceScope(resource: string, scope: string): void;
    save(): Promise<string>;
  }

  export interface Token {
    readonly kind: string;
    readonly clientId: string;
    readonly grantId?: string;
    readonly accountId?: string;
    readonly scopes: ReadonlySet<string>;
    readonly extra?: { readonly [name: string]: unknown };
    resourceServer?: object;
    save(): Promise<string>;
  }

  export interface Client {
    readonly clientId: string;
    readonly clientAuthMethod: string;
    readonly clientSecret?: string;
    readonly redirectUris?: readonly string[];
    readonly origins?: readonly string[];
    grantTypeAllowed(grantType: string): boolean;
    compareClientSecret(actual: string): boolean | Promise<boolean>;
  }

  export interface Session {
    readonly id: string;
    readonly uid: string;
    readonly accountId?: string;
    loginAccount(details: { readonly accountId: string; readonly amr?: readonly string[]; readonly acr?: string }): void;
    resetIdentifier(): void;
    save(ttl: number): Promise<string>;
    destroy(): Promise<void>;
  }

  export interface Interaction {
    readonly uid: string;
    readonly prompt: { readonly name: string };
    readonly params: { [name: string]: string | undefined };
    readonly session?: { readonly accountId: string; readonly uid: string; readonly amr?: readonly string[] };
    persist(): Promise<string>;
  }

  export interface Cookies {
    set(name: string, value: string | null, options?: object): void;
  }

  export interface Context {
    readonly req: IncomingMessage;
    readonly res: ServerResponse;
    readonly method: string;
    readonly path: string;
    readonly response: { readonly headers: { readonly [name: string]: unknown }; get(name: string): string };
    remove(name: string): void;
    readonly cookies: Cookies;
    status: number;
    body: unknown;
    type: string;
    readonly oidc?: {
      readonly route: string;
      readonly params?: { [name: string]: string | undefined };
      readonly client?: Client;
      entity(name: string, value: object): void;
      readonly entities: { readonly Grant?: Grant; readonly AccessToken?: Token };
    };
  }

  export class Provider {
    constructor(issuer: string, configuration: object);
    /** The request that is being answered. */
    static readonly ctx: Context | undefined;
    proxy: boolean;
    readonly issuer: string;
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
    createContext(request: IncomingMessage, response: ServerResponse): Context;
    cookieName(type: 'session' | 'interaction' | 'resume'): string;
    use(middleware: (context: Context, next: () => Promise<void>) => Promise<void>): this;
    on(event: 'server_error', listener: (context: Context, error: Error) => void): this;
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
    interactionResult(request: IncomingMessage, response: ServerResponse, result: object): Promise<string>;
    readonly Grant: new (properties: {
      readonly accountId: string;
      readonly clientId: string;
    }) => Grant;
    readonly AccessToken: new (
      properties: object,
    ) => Token;
    readonly ResourceServer: new (
      identifier: string,
      info: object,
    ) => object;
    registerGrantType(name: string, handler: (context: Context) => Promise<void>, parameters: readonly string[]): void;
    readonly Session: { new (): Session; get(context: Context): Promise<Session> };
    readonly Client: { readonly prototype: Client };
  }

  export const errors: {
    readonly [name in 'InvalidRequest' | 'InvalidGrant' | 'InvalidScope' | 'InvalidTarget' | 'InvalidClientAuth']: new (
      detail?: string,
    ) => Error;
  };
}
