// How much of a resource is shown.
export { parseElements } from './elements.ts';
export { parseView } from './view.ts';
