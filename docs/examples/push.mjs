// Publishes a message to a channel through wsd's HTTP API (docs/api.md). Node 18 or newer, no packages.
//
//   wsd start app.cpp --api http://127.0.0.1:8090
//   node push.mjs http://127.0.0.1:8090 news hello        the token, if there is one, in WSD_API_TOKEN

const [api, channel, data] = process.argv.slice(2);
if (data === undefined) {
  console.error("usage: node push.mjs API CHANNEL DATA");
  process.exit(2);
}

const headers = { "Content-Type": "application/json" };
if (process.env.WSD_API_TOKEN) headers.Authorization = `Bearer ${process.env.WSD_API_TOKEN}`;

const response = await fetch(`${api}/v1/publish`, {
  method: "POST",
  headers,
  body: JSON.stringify({ channel, data }),
  signal: AbortSignal.timeout(5000),
});
const answer = await response.json();
if (answer.error) {
  console.error(answer.error.message);
  process.exit(1);
}
console.log(`delivered to ${answer.delivered_to}`);
