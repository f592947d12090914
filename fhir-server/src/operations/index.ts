// The server's own operations, in the order of their documentation. $validate, terminology and the providers of other packages have their own routes.
import type { OwnOperation } from './own.ts';
import { viewDefinitionRun } from './viewdefinition-run.ts';

export type { OwnOperation } from './own.ts';

export const ownOperations: readonly OwnOperation[] = [viewDefinitionRun];
