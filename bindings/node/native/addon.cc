// The addon: what src/native.ts declares, over include/wool.h.
//
// On plain Node-API rather than a C++ wrapper of it: a thread may be terminated at any instruction, Node-API then fails
// in the middle of whatever it was asked for, and the wrapper's way to report that aborts the process.

#include <node_api.h>
#include <wool.h>

#include "arguments.h"
#include "errors.h"
#include "functions.h"

namespace wool_node {
namespace {

// (makeError)
napi_value Initialise(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  void* instance = nullptr;
  if (napi_get_instance_data(env, &instance) == napi_ok && instance != nullptr) {
    napi_create_reference(env, arguments[0], 1, &static_cast<Instance*>(instance)->make_error);
  }
  return nullptr;
}

struct Function {
  const char* name;
  napi_callback callback;
};

constexpr Function kFunctions[] = {
    {"initialise", Initialise},
    {"createRuntime", CreateRuntime},
    {"closeRuntime", CloseRuntime},
    {"disposeRuntime", DisposeRuntime},
    {"keepAlive", KeepAlive},
    {"drain", Drain},
    {"takePayload", TakePayload},
    {"takeError", TakeError},
    {"takeThrown", TakeThrown},
    {"eventHandle", EventHandle},
    {"registerRoutine", RegisterRoutine},
    {"returnTask", ReturnTask},
    {"yieldTask", YieldTask},
    {"endTask", EndTask},
    {"failTask", FailTask},
    {"failTaskWith", FailTaskWith},
    {"dropTask", DropTask},
    {"taskHandle", TaskHandle},
    {"taskInfo", TaskInfo},
    {"taskContext", TaskContext},
    {"taskPool", TaskPool},
    {"createContext", CreateContext},
    {"contextGet", ContextGet},
    {"contextSet", ContextSet},
    {"contextUnset", ContextUnset},
    {"listenToTasks", ListenToTasks},
    {"missedTaskEvents", MissedTaskEvents},
    {"stopListening", StopListening},
    {"startWorker", StartWorker},
    {"stopWorker", StopWorker},
    {"workerStopped", WorkerStopped},
    {"takeAdmission", TakeAdmission},
    {"answerAdmission", AnswerAdmission},
    {"takeChoice", TakeChoice},
    {"answerChoice", AnswerChoice},
    {"takePeerCheck", TakePeerCheck},
    {"answerPeerCheck", AnswerPeerCheck},
    {"failPeerCheck", FailPeerCheck},
    {"createCredentials", CreateCredentials},
    {"updateCredentials", UpdateCredentials},
    {"reloadCredentials", ReloadCredentials},
    {"checkCredentials", CheckCredentials},
    {"createLocalDiscovery", CreateLocalDiscovery},
    {"createLanDiscovery", CreateLanDiscovery},
    {"createStaticDiscovery", CreateStaticDiscovery},
    {"createDnsDiscovery", CreateDnsDiscovery},
    {"createStackedDiscovery", CreateStackedDiscovery},
    {"createCustomDiscovery", CreateCustomDiscovery},
    {"listWorkers", ListWorkers},
    {"subscriptionFound", SubscriptionFound},
    {"subscriptionGone", SubscriptionGone},
    {"subscriptionScanned", SubscriptionScanned},
    {"subscriptionFailed", SubscriptionFailed},
    {"answerPublication", AnswerPublication},
    {"createPool", CreatePool},
    {"poolStatus", PoolStatus},
    {"closePool", ClosePool},
    {"serveIfSpawned", ServeIfSpawned},
    {"submitCall", SubmitCall},
    {"openStream", OpenStream},
    {"cancelCall", CancelCall},
    {"nextItem", NextItem},
    {"sendItem", SendItem},
    {"throwItem", ThrowItem},
    {"closeStream", CloseStream},
};

napi_value Load(napi_env env, napi_value exports) {
  const auto drop = [](napi_env, void* instance, void*) { delete static_cast<Instance*>(instance); };
  auto* instance = new Instance();
  if (napi_set_instance_data(env, instance, drop, nullptr) != napi_ok) {
    delete instance;
    return exports;
  }
  for (const Function& function : kFunctions) {
    napi_value value = nullptr;
    napi_create_function(env, function.name, NAPI_AUTO_LENGTH, function.callback, nullptr, &value);
    SetProperty(env, exports, function.name, value);
  }
  SetProperty(env, exports, "version", TextValue(env, wool_version()));
  return exports;
}

}  // namespace
}  // namespace wool_node

// Once for every environment that loads the addon.
NAPI_MODULE_INIT() { return wool_node::Load(env, exports); }
