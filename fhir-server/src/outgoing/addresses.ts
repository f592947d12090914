// Which network addresses this server may call: https://www.iana.org/assignments/iana-ipv4-special-registry and its IPv6 sibling
import { BlockList, isIPv6 } from 'node:net';

interface Networks {
  readonly ipv4: BlockList;
  readonly ipv6: BlockList;
}

/** A list for each family: in a common one an IPv4 address is a part of its mapped IPv6 network. */
function networks(subnets: readonly (readonly [string, number])[]): Networks {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const [network, prefix] of subnets) {
    const family = isIPv6(network) ? 'ipv6' : 'ipv4';
    lists[family].addSubnet(network, prefix, family);
  }
  return lists;
}

/** Networks of an organization: what an operator lists may lie there. */
const organization = networks([
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['fc00::', 7],
]);

const loopback = networks([
  ['127.0.0.0', 8],
  ['::1', 128],
]);

/** Never called: this host's own networks, metadata services, multicast, reserved blocks, and IPv6 forms that carry an IPv4 address. */
const never = networks([
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
  ['168.63.129.16', 32],
  ['100.100.100.200', 32],
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fd00:ec2::254', 128],
  ['fe80::', 9],
  ['ff00::', 8],
]);

export type AddressKind = 'public' | 'organization' | 'loopback' | 'never';

export function kindOfAddress(address: string): AddressKind {
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  if (loopback[family].check(address, family)) return 'loopback';
  if (never[family].check(address, family)) return 'never';
  return organization[family].check(address, family) ? 'organization' : 'public';
}
