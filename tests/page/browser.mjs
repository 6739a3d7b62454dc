// A headless Chromium whose pages may load nothing but what lies below one address.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

export async function withBrowser(use) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
  try {
    await use(browser);
  } finally {
    await browser.close();
  }
}

/** Opens a page, runs `use` with it, and fails if it loaded anything from elsewhere or if a script of it failed. */
export async function withPage(browser, home, options, use) {
  const page = await browser.newPage(options);
  const foreign = [];
  const errors = [];
  page.on("request", (request) => {
    const target = request.url();
    if (!target.startsWith(home) && !/^(data|blob):/.test(target)) foreign.push(target);
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  // A library of the renderer tries whether it may evaluate text, and goes on without.
  await page.exposeFunction("reportViolation", (directive, what) => {
    if (what !== "eval") errors.push(`${directive} forbids ${what}`);
  });
  await page.addInitScript(() =>
    addEventListener("securitypolicyviolation", (event) => reportViolation(event.violatedDirective, event.blockedURI)),
  );
  await use(page);
  assert.deepEqual(foreign, [], "nothing is loaded from elsewhere");
  assert.deepEqual(errors, [], "no script fails");
  await page.close();
}

/** Whether the page can be read without scrolling sideways. */
export async function fits(page) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `${page.url()} is ${content} pixels wide in a window of ${window}`);
}
