// IG data type maps ED[Attachment] and RP[Attachment]; HL7 v2 tables 0191 (type), 0291 (subtype), 0299 (encoding)
import { part, type Repetition } from '../message/segment.ts';
import type { Attachment, Extension } from '../resource-types.ts';
import { mediaSubtypes } from '../tables/media-types.ts';

type MarkedAttachment = Attachment & { _data?: { extension: Extension[] }; _url?: { extension: Extension[] } };

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const topLevelTypes = new Set(['application', 'audio', 'image', 'text', 'video', 'multipart', 'message', 'model']);
const unknownMedia = 'application/octet-stream';

/** ED.2 and ED.3, RP.3 and RP.4: a media type where they name one, else the one of the subtype. */
function contentType(type: string, subtype: string): string {
  const [top, sub] = [type.toLowerCase(), subtype.toLowerCase()];
  if (top.includes('/')) return /^[a-z]+\/[a-z0-9.+-]+$/.test(top) ? top : unknownMedia;
  const known = mediaSubtypes[sub];
  if (known) return known;
  if (topLevelTypes.has(top) && /^[a-z0-9.+-]+$/.test(sub)) return `${top}/${sub}`;
  return top === 'text' || top === 'tx' || top === 'ft' ? 'text/plain' : unknownMedia;
}

function absent(code: 'unknown' | 'error' | 'unsupported'): { extension: Extension[] } {
  return { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: code }] };
}

/** ED.5 as base64; undefined when it is not what ED.4 says. */
function encodedData(encoding: string, data: string): string | undefined {
  switch (encoding.toUpperCase()) {
    case 'BASE64': {
      const packed = data.replace(/\s+/g, '');
      return base64.test(packed) ? packed : undefined;
    }
    case 'HEX': {
      const digits = data.replace(/\s+/g, '');
      return /^(?:[0-9A-Fa-f]{2})*$/.test(digits) ? Buffer.from(digits, 'hex').toString('base64') : undefined;
    }
    case 'A':
    case '':
      return Buffer.from(data, 'utf8').toString('base64');
    default:
      return undefined;
  }
}

/** ED[Attachment]: a document that cannot be read is marked as such, so that the result beside it is kept. */
export function edAttachment(ed: Repetition): Attachment {
  const attachment: MarkedAttachment = { contentType: contentType(part(ed, 2), part(ed, 3)) };
  const sent = part(ed, 5);
  const data = sent === '' ? undefined : encodedData(part(ed, 4), sent);
  if (data) attachment.data = data;
  else attachment._data = absent(sent === '' ? 'unknown' : 'error');
  return attachment;
}

/** RP[Attachment]: a pointer that is no absolute address is marked; what it points to is never fetched. */
export function rpAttachment(rp: Repetition): Attachment {
  const attachment: MarkedAttachment = { contentType: contentType(part(rp, 3), part(rp, 4)) };
  const pointer = part(rp, 1);
  if (/^(?:https?|ftps?|urn):\S+$/i.test(pointer)) attachment.url = pointer;
  else attachment._url = absent(pointer === '' ? 'unknown' : 'unsupported');
  return attachment;
}
