// Opens every page of the site from its files, on wide and narrow screens, light and dark; searches, and finds every operation.
// Usage: node site.mjs FOLDER [SCREENSHOTS]
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { fits, withBrowser, withPage } from "./browser.mjs";

const [folder, screenshots] = process.argv.slice(2);
const home = pathToFileURL(`${folder}/`).href;
const PAGES = ["index", "basics", "reference", "errors", "generations", "errata", "emulator"];
let passed = 0;

function operations(name) {
  const document = JSON.parse(readFileSync(`${folder}/openapi/${name}-3.1.json`, "utf8"));
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([, operation]) => operation.operationId)
      .map(([method, operation]) => ({ path, method, ...operation })),
  );
}

async function look(browser, name, width, colorScheme) {
  await withPage(browser, home, { viewport: { width, height: 1000 }, colorScheme }, async (page) => {
    await page.goto(`${home}${name}.html`);
    if (name === "reference") await page.getByRole("heading", { name: "ModelArts DevEnviron" }).waitFor();
    const links = await page.locator("body > header nav a").count();
    assert.equal(links, PAGES.length, "the navigation has every page");
    await fits(page);
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const lightness = Math.max(...ground.match(/\d+/g).slice(0, 3).map(Number));
    assert.equal(lightness < 128, colorScheme === "dark", `${name} is ${ground} when ${colorScheme} is asked for`);
    if (screenshots) await page.screenshot({ path: `${screenshots}/${name}-${width}-${colorScheme}.png` });
  });
  passed += 1;
}

async function searchErrors(browser) {
  await withPage(browser, home, {}, async (page) => {
    await page.goto(`${home}errors.html`);
    await page.getByRole("searchbox").fill("6309");
    const shown = page.locator("section.entry:visible");
    assert.equal(await shown.count(), 1);
    assert.match(await shown.textContent(), /ModelArts\.6309/);
    await page.goto(page.url());
    assert.equal(await shown.count(), 1, "the address keeps the search");
  });
  passed += 1;
}

/** Looks for each operation by its ID and opens it; where asked, sees that its error responses have an example that fits. */
async function findOperations(browser, name) {
  const found = operations(name);
  assert.ok(found.length > 0);
  await withPage(browser, home, { viewport: { width: 1280, height: 1000 } }, async (page) => {
    await page.goto(`${home}reference.html#${name}`);
    const search = page.getByRole("combobox", { name: "Enter search query" });
    await page.getByRole("button", { name: "Search" }).first().waitFor();
    for (const operation of found) {
      await page.keyboard.press("Control+k");
      await search.fill(operation.operationId);
      const option = page.getByRole("option").filter({ hasText: operation.summary }).filter({ hasText: operation.path });
      await option.first().click();
      const heading = page.getByRole("heading", { name: operation.summary, exact: true });
      await heading.waitFor();
      assert.ok(await page.getByText(operation.operationId, { exact: true }).first().isVisible(), operation.operationId);
      passed += 1;
    }
  });
}

/** The texts of one operation: its known values with their meaning, and for each error status an example of its own. */
async function readOperation(browser) {
  await withPage(browser, home, { viewport: { width: 1280, height: 1000 } }, async (page) => {
    await page.goto(`${home}reference.html#devenviron/tag/notebooks/GET/v1/{project_id}/notebooks/{id}`);
    const section = page.locator("section", { has: page.getByRole("heading", { name: "Show a notebook instance" }) }).last();
    const codes = new Set();
    for (const status of ["400", "401", "404", "429"]) {
      await section.getByRole("tab", { name: new RegExp(`^Status:\\s*${status}\\b`) }).click();
      const example = section.locator("pre").filter({ hasText: "error_code" });
      const [, code] = (await example.textContent()).match(/"error_code":\s*"([A-Za-z]+\.\d+)"/);
      codes.add(code);
    }
    assert.equal(codes.size, 4, `each status has an example that fits it: ${[...codes]}`);
    await page.goto(`${home}reference.html#devenviron/tag/notebooks/GET/v1/{project_id}/notebooks`);
    await page.getByText("The notebook is being saved as an image and cannot be used meanwhile.").first().waitFor();
  });
  passed += 1;
}

await withBrowser(async (browser) => {
  for (const name of PAGES) {
    for (const width of [1280, 400]) {
      for (const scheme of ["light", "dark"]) await look(browser, name, width, scheme);
    }
  }
  await searchErrors(browser);
  await findOperations(browser, "devenviron");
  await findOperations(browser, "iam");
  await readOperation(browser);
});
console.log(`${passed} passed, 0 failed`);
