import { expect, it } from 'vitest';
import { Crowd } from '../../src/graphql/crowd.ts';

it('counts each address by itself and forgets those that are gone', () => {
  const crowd = new Crowd(2);
  const leave = [crowd.enter('203.0.113.5'), crowd.enter('203.0.113.5'), crowd.enter('203.0.113.6')];
  expect(['203.0.113.5', '203.0.113.6', '203.0.113.7'].map((address) => crowd.isFull(address))).toEqual([true, false, false]);
  leave[0]?.();
  expect([crowd.isFull('203.0.113.5'), crowd.size]).toEqual([false, 2]);
  for (const each of leave.slice(1)) each();
  expect(crowd.size).toBe(0);
});

it('does not count this machine', () => {
  const crowd = new Crowd(1);
  crowd.enter('127.0.0.1');
  crowd.enter('::1');
  expect([crowd.isFull('127.0.0.1'), crowd.isFull('::1'), crowd.size]).toEqual([false, false, 0]);
});

it('counts the addresses of one IPv6 network together', () => {
  const crowd = new Crowd(2);
  const leave = [crowd.enter('2001:db8:1:2::a'), crowd.enter('2001:db8:1:2:ffff::b')];
  expect(['2001:db8:1:2::c', '2001:db8:1:3::c'].map((address) => crowd.isFull(address))).toEqual([true, false]);
  for (const each of leave) each();
  expect([crowd.isFull('2001:db8:1:2::c'), crowd.size]).toEqual([false, 0]);
});
