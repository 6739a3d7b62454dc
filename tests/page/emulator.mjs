// Opens the documentation of a running emulator, lists notebooks through "Test Request", and checks what was sent and received.
// Usage: node emulator.mjs URL [SCREENSHOT]
import assert from "node:assert/strict";
import { withBrowser, withPage } from "./browser.mjs";

const [url, screenshot] = process.argv.slice(2);

/** A notebook of the account that the page is signed in with. */
async function createNotebook() {
  const { token, project } = await (await fetch(`${url}/docs/token`)).json();
  const headers = { "X-Auth-Token": token, "Content-Type": "application/json" };
  const get = async (path) => (await (await fetch(`${url}/v1/${project}/${path}`, { headers })).json()).data[0];
  const [flavor, image] = [await get("notebooks/flavors"), await get("images")];
  const volume = { category: "EVS", ownership: "MANAGED", capacity: 5 };
  const body = JSON.stringify({ name: "of-my-own", flavor: flavor.id, image_id: image.id, volume });
  const response = await fetch(`${url}/v1/${project}/notebooks`, { method: "POST", headers, body });
  assert.equal(response.status, 200, await response.text());
}

await createNotebook();
await withBrowser((browser) =>
  withPage(browser, url, { viewport: { width: 1280, height: 1200 } }, async (page) => {
    await page.goto(`${url}/docs/`);
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Reference" }).click();
    await page.getByRole("button", { name: /^ModelArts DevEnviron/ }).click();
    for (const title of ["ModelArts IAM", "Control plane of this emulator"]) {
      await page.getByRole("option", { name: title }).waitFor();
    }
    await page.keyboard.press("Escape");

    await page.goto(`${url}/docs/reference.html#devenviron/tag/notebooks/GET/v1/{project_id}/notebooks`);
    await page.reload();
    await page.getByRole("button", { name: /Test Request.*get.*\/notebooks\)?$/i }).first().click();
    const sent = page.waitForRequest((request) => /\/v1\/[0-9a-f]{32}\/notebooks/.test(request.url()));
    const received = page.waitForResponse((response) => /\/v1\/[0-9a-f]{32}\/notebooks/.test(response.url()));
    await page.getByRole("dialog").getByRole("button", { name: /^Send/ }).first().click();
    const request = new URL((await sent).url());
    assert.equal(request.origin, url, "the emulator is what is called");
    assert.deepEqual([...request.searchParams], [], "no filter is sent that nobody set");
    const response = await received;
    assert.equal(response.status(), 200);
    assert.deepEqual((await response.json()).data.map((notebook) => notebook.name), ["of-my-own"]);
    await page.getByRole("dialog").getByText("of-my-own").first().waitFor();
    if (screenshot) await page.screenshot({ path: screenshot });
  }),
);
console.log("1 passed, 0 failed");
