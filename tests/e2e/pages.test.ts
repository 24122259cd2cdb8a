// What a person sees, in a real browser: nothing is fetched from elsewhere, nothing breaks the page's own policy.

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { done, fresh } from '../support/client.ts';
import { postgresAlone } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

describe('a page', () => {
  let world: World;
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  let requested: string[];

  beforeAll(async () => {
    world = await World.start(postgresAlone);
    browser = await launchBrowser();
    page = await browser.newPage();
    complaints = [];
    requested = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requested.push(request.url()));
  });
  afterAll(async () => {
    await browser?.close();
    await world?.stop();
  });

  const open = (path: string) => page.goto(`${world.process.baseUrl}${path}`);

  test('shows a bill to a plain camera, whatever its words hold', async () => {
    const till = world.http('terminal');
    const description = '<script>document.title="taken"</script> two coffees';
    const order = { orderId: fresh('order'), amount: 1250, currency: 'EUR', description };
    const { id } = await done(till, 'bill.create', order);
    await open(`/q/${String(id)}`);
    const text = await page.locator('body').textContent();
    expect(text).toContain('12.50\u00a0EUR');
    expect(text).toContain('Corner Coffee');
    expect(text).toContain(description);
    expect(await page.title()).not.toBe('taken');
  });

  test('of a bill has its code at a size to scan, and the wallet of its bank', async () => {
    const order = { orderId: fresh('order'), amount: 700, currency: 'EUR' };
    const { id } = await done(world.http('terminal'), 'bill.create', order);
    await open(`/q/${String(id)}`);
    const box = await page.locator('svg').boundingBox();
    expect(box).toMatchObject({ width: 256, height: 256 });
    expect(await page.locator('body').textContent()).toContain('It can be paid in Demo Wallet.');
  });

  test('shows that a bill is paid once it is', async () => {
    const order = { orderId: fresh('order'), amount: 500, currency: 'EUR' };
    const { id } = await done(world.http('terminal'), 'bill.create', order);
    const payment = { billId: id, paymentRef: fresh('pay'), amount: 500, currency: 'EUR' };
    await done(world.http('paychannel'), 'payment.create', payment);
    await open(`/q/${String(id)}`);
    expect((await page.locator('body').textContent())?.toLowerCase()).toContain('paid');
  });

  test('documents every call, and opens one', async () => {
    await open('/docs');
    const create = page.locator('details', { hasText: 'Create a bill' }).first();
    expect(await create.evaluate((details) => details.hasAttribute('open'))).toBe(false);
    await create.locator('summary').click();
    expect(await create.getByText('orderId').first().isVisible()).toBe(true);
  });

  test('explains a problem under its type', async () => {
    await open('/problems/bill.notPayable');
    expect(await page.locator('body').textContent()).toContain('bill.notPayable');
    await open('/docs/errors');
    expect(await page.locator('body').textContent()).toContain('outcome.unknown');
  });

  test('has asked nobody else for anything, and broke no rule of its own', () => {
    expect(requested.length).toBeGreaterThan(0);
    for (const url of requested) expect(url.startsWith(world.process.baseUrl)).toBe(true);
    expect(complaints).toEqual([]);
  });
});
