import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL_SITES, parseSite, patternOf, patternsOf, siteOf } from '../src/sites.js';

test('the site of a page is its host, without www', () => {
  assert.equal(siteOf('https://www.youtube.com/watch?v=1'), 'youtube.com');
  assert.equal(siteOf('http://127.0.0.1:8080/a'), '127.0.0.1');
  assert.equal(siteOf('https://www.uk/'), 'www.uk');
  for (const page of [undefined, '', 'about:blank', 'chrome://settings', 'file:///tmp/a.mp4', 'https://', 'chrome-extension://abc/x.html']) {
    assert.equal(siteOf(page), null, page);
  }
});

test('a site is typed as a host or as an address', () => {
  for (const typed of ['Netflix.com', ' www.netflix.com ', 'https://www.netflix.com/browse', 'netflix.com/title/1']) {
    assert.equal(parseSite(typed), 'netflix.com', typed);
  }
  assert.equal(parseSite('localhost:8080'), 'localhost');
  assert.equal(parseSite('bücher.example'), 'xn--bcher-kva.example');
  for (const typed of ['', ' ', 'two words', '*.com', 'https://', 'http://*/', 'a..b:x']) assert.equal(parseSite(typed), null, typed);
});

test('what is below a host belongs to it, and an address has nothing below it', () => {
  assert.equal(patternOf('netflix.com'), '*://*.netflix.com/*');
  assert.equal(patternOf('127.0.0.1'), '*://127.0.0.1/*');
  assert.equal(patternOf('[::1]'), '*://[::1]/*');
  assert.equal(patternOf('localhost'), '*://localhost/*');
});

test('everywhere stands for all others', () => {
  assert.deepEqual(patternsOf(['a.example', 'a.example', 'b.example'], false), ['*://*.a.example/*', '*://*.b.example/*']);
  assert.deepEqual(patternsOf(['a.example'], true), [ALL_SITES]);
  assert.deepEqual(patternsOf([], false), []);
});
