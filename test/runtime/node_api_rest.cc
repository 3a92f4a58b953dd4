// Functions of Node-API that the headers of node-addon-api reference but the tests do not call. Defined without Node's
// headers, so that they need no signatures.
namespace sentorch {
[[noreturn]] void broken(const char* what);
}

#define NEVER_CALLED(name) \
  extern "C" int name() { sentorch::broken(#name " was called"); }

NEVER_CALLED(napi_async_destroy)
NEVER_CALLED(napi_call_function)
NEVER_CALLED(napi_close_callback_scope)
NEVER_CALLED(napi_create_type_error)
NEVER_CALLED(napi_define_properties)
NEVER_CALLED(napi_fatal_error)
NEVER_CALLED(napi_get_and_clear_last_exception)
NEVER_CALLED(napi_get_last_error_info)
NEVER_CALLED(napi_get_named_property)
NEVER_CALLED(napi_get_property)
NEVER_CALLED(napi_get_value_string_utf8)
NEVER_CALLED(napi_is_exception_pending)
NEVER_CALLED(napi_throw)
