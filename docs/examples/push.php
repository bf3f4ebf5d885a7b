<?php
// Publishes a message to a channel through wsd's HTTP API (docs/api.md). Needs no extension.
//
//   wsd start app.cpp --api http://127.0.0.1:8090
//   php push.php http://127.0.0.1:8090 news 'hello'        the token, if there is one, in WSD_API_TOKEN

if ($argc !== 4) {
    fwrite(STDERR, "usage: php push.php API CHANNEL DATA\n");
    exit(2);
}
[, $api, $channel, $data] = $argv;

$headers = ['Content-Type: application/json'];
if ($token = getenv('WSD_API_TOKEN')) {
    $headers[] = 'Authorization: Bearer ' . $token;
}
$body = file_get_contents("$api/v1/publish", false, stream_context_create(['http' => [
    'method' => 'POST',
    'header' => $headers,
    'content' => json_encode(['channel' => $channel, 'data' => $data], JSON_THROW_ON_ERROR),
    'ignore_errors' => true,  // or the answer that says what is wrong is not shown
    'timeout' => 5,
]]));
if ($body === false) {
    exit(1);  // PHP has said why
}
$answer = json_decode($body, true, 512, JSON_THROW_ON_ERROR);
if (isset($answer['error'])) {
    fwrite(STDERR, $answer['error']['message'] . "\n");
    exit(1);
}
echo "delivered to {$answer['delivered_to']}\n";
