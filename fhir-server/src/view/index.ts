// How much of a resource is shown.
export { parseElements } from './elements.ts';
export { compileMasks, maskText, searchesMasked } from './mask.ts';
export { parseView } from './view.ts';
