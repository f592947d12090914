// https://hl7.org/fhir/R4/narrative.html#xhtml — txt-1 and txt-2: well-formed, formatting only, nothing that runs.
const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));
const elements = words(
  'a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol p pre q samp ' +
    'small span strong sub sup table tbody td tfoot th thead tr tt ul var',
);
const attributes = words(
  'abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset cite class colspan ' +
    'compact coords dir frame headers height href hreflang hspace id lang longdesc name nowrap rel rev rowspan rules scope shape span src ' +
    'start style summary tabindex title type valign value vspace width xml:lang xml:space xmlns',
);
const links = words('href src cite longdesc');

/** What a page of text needs many times over; each tag costs up to a microsecond. */
const maximumTags = 120_000;
const maximumDepth = 100;
const opening = /^<div[\s>]/;
/** All attributes of a tag at once; `attribute` then takes them apart. */
const tag = /<(\/?)([A-Za-z][A-Za-z0-9]*)((?:\s+[A-Za-z][A-Za-z:]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y;
const attribute = /\s+([A-Za-z][A-Za-z:]*)\s*=\s*("[^"<]*"|'[^'<]*')/g;
const namespace = /\sxmlns\s*=\s*["']http:\/\/www\.w3\.org\/1999\/xhtml["']/;
const reference = /&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|([A-Za-z][A-Za-z0-9]*));?/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: browsers ignore these inside a scheme
const ignored = /[\u0000-\u0020\u007f-\u00a0\u200b-\u200f\u2028\u2029\ufeff]/g;
const scheme = /^([a-z][a-z0-9+.-]*):/;
const harmlessSchemes = words('http https mailto tel urn ftp');
const imageData = /^data:image\/(?:png|jpeg|gif);base64,/;
/** Published narratives draw their tables with such pictures. */
const styleImage = /url\(data:image\/(?:png|jpeg|gif);base64,[a-z0-9+/=]*\)/g;
const activeStyle = /expression|url\(|@import|javascript|behavio|binding|\\|\/\*/;
const namedCharacters: { readonly [name: string]: string | undefined } = {
  colon: ':',
  lpar: '(',
  bsol: '\\',
  Tab: '',
  NewLine: '',
  sol: '/',
  commat: '@',
  ast: '*',
};

function character(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : '';
}

/** What a browser would read: references resolved, what it skips inside a scheme removed, lower case. */
function asBrowserReads(value: string): string {
  const plain = value.replace(reference, (whole, decimal: string | undefined, hex: string | undefined, name: string | undefined) => {
    if (decimal !== undefined) return character(Number(decimal));
    return hex !== undefined ? character(Number.parseInt(hex, 16)) : (namedCharacters[name ?? ''] ?? whole);
  });
  return plain.replace(ignored, '').toLowerCase();
}

function isHarmlessLink(value: string): boolean {
  const url = asBrowserReads(value);
  const found = scheme.exec(url)?.[1];
  return found === undefined || harmlessSchemes.has(found) || imageData.test(url);
}

function areSafeAttributes(text: string): boolean {
  const seen = new Set<string>();
  for (const [, name = '', quoted = ''] of text.matchAll(attribute)) {
    const value = quoted.slice(1, -1);
    if (!attributes.has(name) || seen.has(name)) return false;
    seen.add(name);
    if (links.has(name) && !isHarmlessLink(value)) return false;
    if (name === 'style' && activeStyle.test(asBrowserReads(value).replace(styleImage, ''))) return false;
    if (name === 'xmlns' && value !== 'http://www.w3.org/1999/xhtml') return false;
  }
  return true;
}

/** Closes or opens one tag on the stack of open ones; false when it may not stand there. */
function isSafeTag(open: string[], [, slash, name = '', attributeText = '', closed]: RegExpExecArray): boolean {
  if (!elements.has(name)) return false;
  if (slash) return attributeText === '' && !closed && open.pop() === name;
  if (!closed) open.push(name);
  if (open.length > maximumDepth) return false;
  return attributeText === '' || areSafeAttributes(attributeText);
}

/** Index after the comment at `start`, or -1. Stricter than HTML, so that a browser sees it end where we do. */
function commentEnd(text: string, start: number): number {
  if (!text.startsWith('<!--', start) || text.startsWith('>', start + 4) || text.startsWith('->', start + 4)) return -1;
  const end = text.indexOf('--', start + 4);
  return end > 0 && text[end + 2] === '>' ? end + 3 : -1;
}

/** Whether the text is one XHTML div that can be shown as it is: no scripts, handlers, frames, forms, objects or active links. */
export function isSafeNarrative(text: string): boolean {
  if (!opening.test(text) || !namespace.test(text.slice(0, text.indexOf('>') + 1))) return false;
  const open: string[] = [];
  let content = false;
  for (let next = 0, tags = 0; next >= 0 && tags < maximumTags; tags++) {
    tag.lastIndex = next;
    const found = tag.exec(text);
    if (found && !isSafeTag(open, found)) return false;
    const at = found ? tag.lastIndex : commentEnd(text, next);
    if (at < 0) return false;
    content ||= found?.[2] === 'img';
    if (open.length === 0) return content && text.slice(at).trim() === '';
    next = text.indexOf('<', at);
    content ||= text.slice(at, next < 0 ? text.length : next).trim() !== '';
  }
  return false;
}
