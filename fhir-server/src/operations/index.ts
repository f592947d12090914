// The server's own operations, in the order of their documentation. $validate, terminology and the providers of other packages have their own routes.
import { convert } from './convert.ts';
import { deadLetterOperations } from './dead-letters.ts';
import { deidentify } from './deidentify.ts';
import { diff } from './diff.ts';
import { eraseOperation } from './erase.ts';
import { encounterEverything, patientEverything } from './everything.ts';
import { exportOperations } from './export.ts';
import { graphQl } from './graphql.ts';
import { importOperation } from './import.ts';
import { lastN } from './lastn.ts';
import { matchOperation } from './match.ts';
import { mergeOperation } from './merge.ts';
import { meta, metaAdd, metaDelete } from './meta.ts';
import type { OwnOperation } from './own.ts';
import { reidentifyOperation } from './reidentify.ts';
import { viewDefinitionRun } from './viewdefinition-run.ts';

export type { OwnOperation } from './own.ts';

export const ownOperations: readonly OwnOperation[] = [
  viewDefinitionRun,
  patientEverything,
  encounterEverything,
  lastN,
  meta,
  metaAdd,
  metaDelete,
  diff,
  convert,
  deidentify,
  ...exportOperations,
  importOperation,
  graphQl,
  matchOperation,
  mergeOperation,
  reidentifyOperation,
  eraseOperation,
  ...deadLetterOperations,
];
