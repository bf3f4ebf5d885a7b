// An echo on libwebsockets, for scripts/bench: lws_echo PORT
//
// Debian's libwebsockets-test-server has no echo, so this is what a user of the library would write: the pieces of a
// message are put together, and one message leaves for each LWS_CALLBACK_SERVER_WRITEABLE, as the library wants it.

#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

struct message {
  struct message* next;
  size_t size;
  enum lws_write_protocol type;
  unsigned char bytes[];  // LWS_PRE bytes of room for the header, then the message
};

struct session {
  struct message *first, **last;  // to be sent
  unsigned char* part;            // what has come of the present message, behind LWS_PRE bytes
  size_t size, capacity;
};

static int receive(struct lws* wsi, struct session* session, const void* in, size_t size) {
  if (session->size + size > session->capacity) {
    const size_t capacity = (session->size + size) * 2;
    unsigned char* part = realloc(session->part, capacity);
    if (!part) return -1;
    session->part = part;
    session->capacity = capacity;
  }
  if (size) memcpy(session->part + session->size, in, size);
  session->size += size;
  if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi)) return 0;

  struct message* message = malloc(sizeof *message + LWS_PRE + session->size);
  if (!message) return -1;
  message->next = NULL;
  message->size = session->size;
  message->type = lws_frame_is_binary(wsi) ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
  if (session->size) memcpy(message->bytes + LWS_PRE, session->part, session->size);
  session->size = 0;
  *session->last = message;
  session->last = &message->next;
  lws_callback_on_writable(wsi);
  return 0;
}

static int send_next(struct lws* wsi, struct session* session) {
  struct message* message = session->first;
  if (!message) return 0;
  const int sent = lws_write(wsi, message->bytes + LWS_PRE, message->size, message->type);
  session->first = message->next;
  if (!session->first) session->last = &session->first;
  free(message);
  if (session->first) lws_callback_on_writable(wsi);
  return sent < 0 ? -1 : 0;
}

static int echo(struct lws* wsi, enum lws_callback_reasons reason, void* user, void* in, size_t size) {
  struct session* session = user;
  switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
      memset(session, 0, sizeof *session);
      session->last = &session->first;
      return 0;
    case LWS_CALLBACK_RECEIVE:
      return receive(wsi, session, in, size);
    case LWS_CALLBACK_SERVER_WRITEABLE:
      return send_next(wsi, session);
    case LWS_CALLBACK_CLOSED:
      free(session->part);
      for (struct message *message = session->first, *next; message; message = next) {
        next = message->next;
        free(message);
      }
      return 0;
    default:
      return lws_callback_http_dummy(wsi, reason, user, in, size);
  }
}

int main(int argc, char** argv) {
  static const struct lws_protocols protocols[] = {{"echo", echo, sizeof(struct session), 0, 0, NULL, 0},
                                                   {NULL, NULL, 0, 0, 0, NULL, 0}};
  struct lws_context_creation_info info;
  memset(&info, 0, sizeof info);
  info.port = argc > 1 ? atoi(argv[1]) : 0;
  info.iface = "127.0.0.1";
  info.protocols = protocols;
  info.pt_serv_buf_size = 64 * 1024;
  lws_set_log_level(LLL_ERR, NULL);
  struct lws_context* context = lws_create_context(&info);
  if (!context) return 1;
  while (lws_service(context, 0) >= 0) {
  }
  return 1;
}
