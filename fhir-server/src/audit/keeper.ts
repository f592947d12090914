// What who keeps the audit trail may do beside a running server: prove it, hold it, let old months go.
import pg from 'pg';
import { dropExpired, type Hold, hold, holds, release } from './retention.ts';
import { signingKey } from './signing.ts';
import { type TrailFault, verifyTrail } from './trail.ts';

const tenant = 1;

export interface KeeperPlaces {
  readonly dataDir: string;
  readonly keysDir: string;
  readonly now: () => Date;
}

export class AuditKeeper {
  private readonly pool: pg.Pool;
  private readonly places: KeeperPlaces;

  constructor(database: pg.ClientConfig, places: KeeperPlaces) {
    this.pool = new pg.Pool({ ...database, max: 2 });
    this.pool.on('error', () => undefined);
    this.places = places;
  }

  verify(): Promise<{ rows: number; chains: number; anchors: number; faults: TrailFault[] }> {
    return verifyTrail(this.pool, tenant, { ...this.places, now: this.places.now() });
  }

  async dropExpired(): Promise<{ dropped: string[]; held: string[] }> {
    return dropExpired(this.pool, await signingKey(this.places.keysDir), this.places.now());
  }

  hold(reason: string, since?: Date, until?: Date): Promise<number> {
    return hold(this.pool, reason, this.places.now(), since, until);
  }

  release(id: number): Promise<boolean> {
    return release(this.pool, id, this.places.now());
  }

  holds(): Promise<Hold[]> {
    return holds(this.pool);
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}
