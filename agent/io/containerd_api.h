/* containerd_api - containerd's methods that bramble calls: path, type of the reply, deadline. */
#ifndef BRAMBLE_IO_CONTAINERD_API_H
#define BRAMBLE_IO_CONTAINERD_API_H

#include "io/grpc.h"

#include "containerd.pb-c.h"

/* Deadlines: calls that only touch containerd's database 10 s (a card may stall for seconds on
 * fsync), calls that run crun or runc, or remove files, 60 s, unpacking a layer 10 min. Streams
 * have none; the images code watches their progress. */
#define CTR_METHODS(X)                                                                            \
        X(containers_get, "containers.v1.Containers/Get", container_get_response, 10000)          \
        X(containers_list, "containers.v1.Containers/List", container_list_response, 10000)       \
        X(containers_create, "containers.v1.Containers/Create", container_create_response, 10000) \
        X(containers_delete, "containers.v1.Containers/Delete", empty, 10000)                     \
        X(tasks_create, "tasks.v1.Tasks/Create", task_create_response, 60000)                     \
        X(tasks_start, "tasks.v1.Tasks/Start", task_start_response, 60000)                        \
        X(tasks_delete, "tasks.v1.Tasks/Delete", task_delete_response, 60000)                     \
        X(tasks_get, "tasks.v1.Tasks/Get", task_get_response, 10000)                              \
        X(tasks_list, "tasks.v1.Tasks/List", task_list_response, 10000)                           \
        X(tasks_kill, "tasks.v1.Tasks/Kill", empty, 10000)                                        \
        X(tasks_wait, "tasks.v1.Tasks/Wait", task_wait_response, 0)                               \
        X(images_get, "images.v1.Images/Get", image_get_response, 10000)                          \
        X(images_create, "images.v1.Images/Create", image_create_response, 10000)                 \
        X(images_update, "images.v1.Images/Update", image_update_response, 10000)                 \
        X(images_list, "images.v1.Images/List", image_list_response, 10000)                       \
        X(images_delete, "images.v1.Images/Delete", empty, 60000)                                 \
        X(content_info, "content.v1.Content/Info", content_info_response, 10000)                  \
        X(content_update, "content.v1.Content/Update", content_update_response, 10000)            \
        X(content_list, "content.v1.Content/List", content_list_response, 0)                      \
        X(content_delete, "content.v1.Content/Delete", empty, 10000)                              \
        X(content_read, "content.v1.Content/Read", content_read_response, 0)                      \
        X(content_status, "content.v1.Content/Status", content_status_response, 10000)            \
        X(content_list_statuses, "content.v1.Content/ListStatuses",                               \
          content_list_statuses_response, 10000)                                                  \
        X(content_write, "content.v1.Content/Write", content_write_response, 0)                   \
        X(content_abort, "content.v1.Content/Abort", empty, 10000)                                \
        X(snapshots_prepare, "snapshots.v1.Snapshots/Prepare", snapshot_mounts_response, 10000)   \
        X(snapshots_view, "snapshots.v1.Snapshots/View", snapshot_mounts_response, 10000)         \
        X(snapshots_mounts, "snapshots.v1.Snapshots/Mounts", snapshot_mounts_response, 10000)     \
        X(snapshots_commit, "snapshots.v1.Snapshots/Commit", empty, 60000)                        \
        X(snapshots_remove, "snapshots.v1.Snapshots/Remove", empty, 60000)                        \
        X(snapshots_stat, "snapshots.v1.Snapshots/Stat", snapshot_stat_response, 10000)           \
        X(snapshots_update, "snapshots.v1.Snapshots/Update", snapshot_stat_response, 10000)       \
        X(snapshots_list, "snapshots.v1.Snapshots/List", snapshot_list_response, 0)               \
        X(diff_apply, "diff.v1.Diff/Apply", diff_apply_response, 600000)                          \
        X(events_subscribe, "events.v1.Events/Subscribe", envelope, 0)                            \
        X(leases_create, "leases.v1.Leases/Create", lease_create_response, 10000)                 \
        X(leases_delete, "leases.v1.Leases/Delete", empty, 60000)                                 \
        X(leases_list, "leases.v1.Leases/List", lease_list_response, 10000)                       \
        X(leases_add_resource, "leases.v1.Leases/AddResource", empty, 10000)                      \
        X(namespaces_get, "namespaces.v1.Namespaces/Get", namespace_get_response, 10000)          \
        X(namespaces_create, "namespaces.v1.Namespaces/Create", namespace_create_response, 10000) \
        X(version, "version.v1.Version/Version", version_response, 10000)                         \
        X(plugins, "introspection.v1.Introspection/Plugins", plugins_response, 10000)

/* ctr_containers_get, ctr_tasks_create, ... */
#define CTR_DECLARE(name, path, reply, timeout) extern const struct grpc_method ctr_##name;
CTR_METHODS(CTR_DECLARE)
#undef CTR_DECLARE

#define CTR_NAMESPACE   "openfaas-fn"
#define CTR_SNAPSHOTTER "overlayfs"

#endif
