// A certificate for the tests, made when they run: no private key lies in the repository. https://www.rfc-editor.org/rfc/rfc5280#section-4.1
import { generateKeyPairSync, sign } from 'node:crypto';

const [integer, bitString, objectId, utf8, generalizedTime, sequence, set, octets] = [2, 3, 6, 12, 24, 0x30, 0x31, 4];

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = body.length < 128 ? [body.length] : body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const hex = (tag: number, digits: string): Buffer => der(tag, Buffer.from(digits, 'hex'));
const ecdsaWithSha256 = der(sequence, hex(objectId, '2a8648ce3d040302'));
/** subjectAltName with the address 127.0.0.1. */
const names = der(sequence, hex(objectId, '551d11'), der(octets, der(sequence, hex(0x87, '7f000001'))));

/** A key and a certificate that is its own authority, for 127.0.0.1, as PEM. */
export function selfSigned(commonName: string): { key: string; certificate: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = der(sequence, der(set, der(sequence, hex(objectId, '550403'), der(utf8, Buffer.from(commonName)))));
  const time = (text: string): Buffer => der(generalizedTime, Buffer.from(text));
  const content = der(
    sequence,
    der(0xa0, hex(integer, '02')),
    hex(integer, '01'),
    ecdsaWithSha256,
    name,
    der(sequence, time('20200101000000Z'), time('20991231235959Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(sequence, names)),
  );
  const signature = der(bitString, Buffer.from([0]), sign('sha256', content, privateKey));
  const body = der(sequence, content, ecdsaWithSha256, signature).toString('base64').replace(/.{64}/g, '$&\n');
  return {
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    certificate: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
  };
}
