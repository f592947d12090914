// docker-compose.yml is sound as far as that can be seen without an engine, and its entry points run together.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { clientFaults, composeFaults, entryPoint } from '../check-compose.ts';

const root = path.resolve(import.meta.dirname, '../..');
const text = readFileSync(path.join(root, 'docker-compose.yml'), 'utf8');

describe('the check finds', () => {
  const cases: readonly [string, string, string, RegExp][] = [
    ['a port beyond loopback', '127.0.0.1:8080:8080', '8080:8080', /not bound to loopback/],
    ["the host's network", '    volumes:\n      # Keys', '    network_mode: host\n    volumes:\n      # Keys', /network_mode is not a key/],
    ['an address of no service', 'http://inference:8090', 'http://127.0.0.1:8090', /leads to 127\.0\.0\.1/],
    ['a database that is no service', '@postgres:5432/vault', '@database:5432/vault', /leads to database/],
    ['an image that is no PostgreSQL 15+', 'postgres:18', 'postgres:14', /official image/],
    ['an undeclared volume', 'data:/data', 'other:/data', /volume other is not declared/],
    ['a Dockerfile that is not there', 'deploy/server.Dockerfile', 'deploy/no.Dockerfile', /no\.Dockerfile does not exist/],
    ['a service that is not there', 'postgres:\n        condition', 'nobody:\n        condition', /depends on nobody/],
    ['a password in the file', 'POSTGRES_PASSWORD: $', 'POSTGRES_PASSWORD: secret', /has its secret in the file/],
    ['a misspelt key', 'healthcheck:', 'healthchek:', /healthchek is not a key/],
  ];
  for (const [name, from, to, fault] of cases) {
    test(name, () => {
      assert.ok(text.includes(from), 'the case fits the file');
      assert.match(composeFaults(text.replace(from, to)).join('\n'), fault);
    });
  }
});

test('docker-compose.yml has no fault', () => {
  assert.deepEqual(composeFaults(text), []);
  assert.deepEqual(clientFaults() ?? [], []);
});

test('each image runs Node on a file of the tree', () => {
  for (const name of ['server', 'inference-cpu', 'inference-gpu']) {
    assert.equal(entryPoint(readFileSync(path.join(root, `deploy/${name}.Dockerfile`), 'utf8'))?.[0], 'node');
  }
});
