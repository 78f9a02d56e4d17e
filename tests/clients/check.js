/** What every script here shares: where the server is, and one line per check. */

export const url = process.env.ORDERGRAPH_URL;
export const tokens = { agent: process.env.AGENT_TOKEN, shopper: process.env.SHOPPER_TOKEN };

export async function check(name, run) {
  try {
    await run();
    console.log(`ok   ${name}`);
  } catch (error) {
    console.log(`FAIL ${name}: ${String(error.message ?? error).replaceAll(/\s+/g, " ")}`);
    process.exitCode = 1;
  }
}
