// The file of HL7_CHANNELS: a list of channels, each with its own listener. What is not understood is refused, so that a typing error changes nothing silently.

import type { Channel } from '../channels.ts';
import { defaultChannel } from '../channels.ts';
import { isReadableCharset } from '../mllp/charset.ts';
import type { MllpLimits } from '../mllp/limits.ts';
import { defaultMllpLimits } from '../mllp/limits.ts';
import { type ChannelSettings, defaultSettings } from './settings.ts';

/** A listener as its file describes it; TLS by the names of its files. */
export interface ConfiguredChannel {
  readonly host: string | undefined;
  readonly port: number;
  /** The registered client whose rights the channel has. */
  readonly clientId: string;
  readonly tlsFiles: { readonly key: string; readonly certificate: string; readonly clientAuthorities?: string } | undefined;
  readonly channel: Channel;
  readonly settings: ChannelSettings;
  readonly limits: Partial<MllpLimits>;
}

/** `message` is a sentence for the operator, without values of the file. */
export class ChannelFileError extends Error {
  override readonly name = 'ChannelFileError';
}

type Json = { readonly [name: string]: unknown };
type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string' && value !== '';
const isFlag: Check = (value) => typeof value === 'boolean';
const isNumber: (least: number, most: number) => Check = (least, most) => (value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
const isOneOf: (...values: readonly string[]) => Check =
  (...values) =>
  (value) =>
    typeof value === 'string' && values.includes(value);
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts: Check = (value) => Array.isArray(value) && value.length > 0 && value.every(isText);
const isMap: Check = (value) => isObject(value) && Object.values(value).every(isText);

const known: { readonly [name: string]: Check } = {
  name: (value) => typeof value === 'string' && /^[a-z][a-z0-9-]{0,31}$/.test(value),
  host: isText,
  port: isNumber(1, 65_535),
  client: isText,
  tls: isMap,
  charset: (value) => typeof value === 'string' && isReadableCharset(value),
  ignoreDeclaredCharset: isFlag,
  acknowledgement: isOneOf('as-sent', 'original', 'enhanced'),
  onFailure: isOneOf('refuse', 'queue'),
  deadLetterHours: isNumber(0, 8760),
  maxWaiting: isNumber(1, 10_000_000),
  authoritySystems: isMap,
  processingIds: isTexts,
  strictHeader: isFlag,
  utcOffset: (value) => typeof value === 'string' && /^(Z|[+-]\d{2}:\d{2})$/.test(value),
  limits: (value) =>
    isObject(value) && Object.entries(value).every(([name, n]) => Object.hasOwn(defaultMllpLimits, name) && isNumber(1, 2 ** 31 - 1)(n)),
};

function check(entry: unknown, position: number): Json {
  if (!isObject(entry)) throw new ChannelFileError(`HL7_CHANNELS: channel ${position} is no object.`);
  for (const name of Object.keys(entry))
    if (!Object.hasOwn(known, name)) throw new ChannelFileError(`HL7_CHANNELS: channel ${position} has a setting that is not known.`);
  for (const [name, isRight] of Object.entries(known))
    if (entry[name] !== undefined && !isRight(entry[name]))
      throw new ChannelFileError(`HL7_CHANNELS: ${name} of channel ${position} cannot be used.`);
  for (const name of ['name', 'port'])
    if (entry[name] === undefined) throw new ChannelFileError(`HL7_CHANNELS: channel ${position} needs ${name}.`);
  return entry;
}

function tlsFilesOf(value: unknown, position: number): ConfiguredChannel['tlsFiles'] {
  if (value === undefined) return undefined;
  const { key, certificate, clientAuthorities, ...others } = value as { readonly [name: string]: string };
  if (!key || !certificate || Object.keys(others).length > 0)
    throw new ChannelFileError(`HL7_CHANNELS: tls of channel ${position} takes key, certificate and clientAuthorities.`);
  return { key, certificate, ...(clientAuthorities ? { clientAuthorities } : {}) };
}

/** Settings of a type, taken over where the file has them; they are checked before. */
function over<T extends object>(defaults: T, entry: Json, names: { readonly [K in keyof T]?: string }): T {
  const given = Object.entries(names).flatMap(([to, from]) => (entry[String(from)] === undefined ? [] : [[to, entry[String(from)]]]));
  return { ...defaults, ...Object.fromEntries(given) };
}

function channelOf(given: unknown, position: number): ConfiguredChannel {
  const entry = check(given, position);
  return {
    host: entry.host as string | undefined,
    port: entry.port as number,
    clientId: (entry.client as string | undefined) ?? 'hl7-channel',
    tlsFiles: tlsFilesOf(entry.tls, position),
    channel: over(defaultChannel, entry, {
      defaultCharset: 'charset',
      authoritySystems: 'authoritySystems',
      processingIds: 'processingIds',
      strictHeader: 'strictHeader',
      utcOffset: 'utcOffset',
    }),
    settings: over(defaultSettings, entry, {
      name: 'name',
      acknowledgement: 'acknowledgement',
      onFailure: 'onFailure',
      deadLetterHours: 'deadLetterHours',
      maxWaiting: 'maxWaiting',
      ignoresDeclaredCharset: 'ignoreDeclaredCharset',
    }),
    limits: (entry.limits as Partial<MllpLimits> | undefined) ?? {},
  };
}

/** @param list the file as JSON @throws ChannelFileError */
export function readChannels(list: unknown): ConfiguredChannel[] {
  if (!Array.isArray(list) || list.length === 0) throw new ChannelFileError('HL7_CHANNELS must hold a JSON list of channels.');
  const channels = list.map((entry, i) => channelOf(entry, i + 1));
  const names = new Set(channels.map(({ settings }) => settings.name));
  const ports = new Set(channels.map(({ host, port }) => `${host}:${port}`));
  if (names.size < channels.length) throw new ChannelFileError('HL7_CHANNELS: two channels have one name.');
  if (ports.size < channels.length) throw new ChannelFileError('HL7_CHANNELS: two channels have one port.');
  return channels;
}
