// The server's own operations, in the order of their documentation. $validate, terminology and the providers of other packages have their own routes.
import { encounterEverything, patientEverything } from './everything.ts';
import { lastN } from './lastn.ts';
import type { OwnOperation } from './own.ts';
import { viewDefinitionRun } from './viewdefinition-run.ts';

export type { OwnOperation } from './own.ts';

export const ownOperations: readonly OwnOperation[] = [viewDefinitionRun, patientEverything, encounterEverything, lastN];
