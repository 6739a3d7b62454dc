// Opens the documentation page of a running emulator, calls one operation through "Try it out", and checks the answer.
// Usage: node call.mjs URL [SCREENSHOT]
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const [url, screenshot] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
  const foreign = [];
  const errors = [];
  page.on("request", (request) => {
    const target = request.url();
    if (!target.startsWith(url) && !target.startsWith("data:")) foreign.push(target);
  });
  page.on("pageerror", (error) => errors.push(String(error)));

  await page.goto(`${url}/docs/`);
  const operation = page.locator("[id='operations-Flavors-listFlavors']");
  await operation.waitFor();
  await operation.locator(".opblock-summary").click();
  const project = operation.locator("tr[data-param-name='project_id'] input");
  const accounts = await (await fetch(`${url}/_emulator/accounts`)).json();
  await project.fill(Object.keys(accounts.projects)[0]);
  await operation.locator("button.execute").click();
  const status = operation.locator(".live-responses-table .response-col_status");
  await status.filter({ hasText: "200" }).waitFor();
  const answer = await operation.locator(".live-responses-table .microlight").first().textContent();
  assert.match(answer, /modelarts\.vm\.cpu\.2u/, "the answer lists the flavors of the emulator");
  assert.deepEqual(foreign, [], "nothing is fetched from elsewhere");
  assert.deepEqual(errors, [], "no script fails");
  if (screenshot) await page.screenshot({ path: screenshot });
  console.log("1 passed, 0 failed");
} finally {
  await browser.close();
}
