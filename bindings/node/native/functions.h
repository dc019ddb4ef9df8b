#pragma once

// The functions of the addon, by file. src/native.ts declares each with its types and says what it does.
#include <node_api.h>

namespace wool_node {

// events.cc
napi_value Drain(napi_env env, napi_callback_info info);
napi_value TakePayload(napi_env env, napi_callback_info info);
napi_value TakeError(napi_env env, napi_callback_info info);
napi_value TakeThrown(napi_env env, napi_callback_info info);
napi_value EventHandle(napi_env env, napi_callback_info info);
napi_value KeepAlive(napi_env env, napi_callback_info info);

// calls.cc
napi_value SubmitCall(napi_env env, napi_callback_info info);
napi_value CancelCall(napi_env env, napi_callback_info info);
napi_value OpenStream(napi_env env, napi_callback_info info);
napi_value NextItem(napi_env env, napi_callback_info info);
napi_value SendItem(napi_env env, napi_callback_info info);
napi_value ThrowItem(napi_env env, napi_callback_info info);
napi_value CloseStream(napi_env env, napi_callback_info info);

// tasks.cc
napi_value RegisterRoutine(napi_env env, napi_callback_info info);
napi_value ReturnTask(napi_env env, napi_callback_info info);
napi_value YieldTask(napi_env env, napi_callback_info info);
napi_value EndTask(napi_env env, napi_callback_info info);
napi_value FailTask(napi_env env, napi_callback_info info);
napi_value FailTaskWith(napi_env env, napi_callback_info info);
napi_value DropTask(napi_env env, napi_callback_info info);
napi_value TaskHandle(napi_env env, napi_callback_info info);
napi_value TaskInfo(napi_env env, napi_callback_info info);
napi_value TaskContext(napi_env env, napi_callback_info info);
napi_value TaskPool(napi_env env, napi_callback_info info);

// contexts.cc
napi_value CreateContext(napi_env env, napi_callback_info info);
napi_value ContextGet(napi_env env, napi_callback_info info);
napi_value ContextSet(napi_env env, napi_callback_info info);
napi_value ContextUnset(napi_env env, napi_callback_info info);

// admissions.cc
napi_value TakeAdmission(napi_env env, napi_callback_info info);
napi_value AnswerAdmission(napi_env env, napi_callback_info info);

// choices.cc
napi_value TakeChoice(napi_env env, napi_callback_info info);
napi_value AnswerChoice(napi_env env, napi_callback_info info);

// peer_checks.cc
napi_value TakePeerCheck(napi_env env, napi_callback_info info);
napi_value AnswerPeerCheck(napi_env env, napi_callback_info info);
napi_value FailPeerCheck(napi_env env, napi_callback_info info);

// credentials.cc
napi_value CreateCredentials(napi_env env, napi_callback_info info);
napi_value UpdateCredentials(napi_env env, napi_callback_info info);
napi_value ReloadCredentials(napi_env env, napi_callback_info info);
napi_value CheckCredentials(napi_env env, napi_callback_info info);

// discoveries.cc
napi_value CreateLocalDiscovery(napi_env env, napi_callback_info info);
napi_value CreateLanDiscovery(napi_env env, napi_callback_info info);
napi_value CreateStaticDiscovery(napi_env env, napi_callback_info info);
napi_value CreateDnsDiscovery(napi_env env, napi_callback_info info);
napi_value CreateStackedDiscovery(napi_env env, napi_callback_info info);
napi_value CreateCustomDiscovery(napi_env env, napi_callback_info info);
napi_value ListWorkers(napi_env env, napi_callback_info info);
napi_value SubscriptionFound(napi_env env, napi_callback_info info);
napi_value SubscriptionGone(napi_env env, napi_callback_info info);
napi_value SubscriptionScanned(napi_env env, napi_callback_info info);
napi_value SubscriptionFailed(napi_env env, napi_callback_info info);
napi_value AnswerPublication(napi_env env, napi_callback_info info);

// task_events.cc
napi_value ListenToTasks(napi_env env, napi_callback_info info);
napi_value MissedTaskEvents(napi_env env, napi_callback_info info);
napi_value StopListening(napi_env env, napi_callback_info info);

// peers.cc
napi_value CreateRuntime(napi_env env, napi_callback_info info);
napi_value CloseRuntime(napi_env env, napi_callback_info info);
napi_value DisposeRuntime(napi_env env, napi_callback_info info);
napi_value StartWorker(napi_env env, napi_callback_info info);
napi_value StopWorker(napi_env env, napi_callback_info info);
napi_value WorkerStopped(napi_env env, napi_callback_info info);
napi_value CreatePool(napi_env env, napi_callback_info info);
napi_value PoolStatus(napi_env env, napi_callback_info info);
napi_value ClosePool(napi_env env, napi_callback_info info);
napi_value ServeIfSpawned(napi_env env, napi_callback_info info);

}  // namespace wool_node
