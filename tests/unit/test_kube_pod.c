#include "io/kube_pod.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define LIST(...) "{\"kind\":\"PodList\",\"metadata\":{},\"items\":[" __VA_ARGS__ "]}"
#define POD(meta, status)                                                                        \
        "{\"metadata\":{\"name\":\"p-1\",\"namespace\":\"default\"" meta "},\"status\":{" status \
        "}}"
#define OWNER(kind, controller)                                        \
        ",\"ownerReferences\":[{\"kind\":\"Other\"},{\"kind\":\"" kind \
        "\",\"controller\":" controller "}]"

struct seen {
        unsigned n;
        struct kube_pod last;
};

static void on_pod(void *arg, const struct kube_pod *p) {
        struct seen *s = arg;

        s->n++;
        s->last = *p;
}

static void kinds(void **state) {
        static const struct {
                const char *in;
                enum kube_pod_kind want;
                bool deleting;
        } cases[] = {
                { LIST(POD(OWNER("ReplicaSet", "true"), "\"phase\":\"Running\"")), KUBE_POD_MOVES,
                  false },
                { LIST(POD(OWNER("StatefulSet", "true"), "\"phase\":\"Pending\"")), KUBE_POD_MOVES,
                  false },
                { LIST(POD(OWNER("ReplicaSet", "true") ",\"deletionTimestamp\":\"t\"", "")),
                  KUBE_POD_MOVES, true },
                { LIST(POD(OWNER("Job", "true"), "\"phase\":\"Succeeded\"")), KUBE_POD_BELONGS,
                  false },
                { LIST(POD(OWNER("DaemonSet", "true"), "\"phase\":\"Running\"")), KUBE_POD_BELONGS,
                  false },
                { LIST(POD(OWNER("Node", "true"), "")), KUBE_POD_BELONGS, false },
                { LIST(POD(",\"annotations\":{\"kubernetes.io/config.mirror\":\"h\"}", "")),
                  KUBE_POD_BELONGS, false },
                { LIST(POD("", "\"phase\":\"Failed\"")), KUBE_POD_BELONGS, false },
                { LIST(POD("", "\"phase\":\"Running\"")), KUBE_POD_HOMELESS, false },
                { LIST(POD(OWNER("ReplicaSet", "false"), "")), KUBE_POD_HOMELESS, false },
                { LIST(POD(",\"ownerReferences\":7,\"annotations\":[]", "")), KUBE_POD_HOMELESS,
                  false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct seen s = { 0 };
                char more[SIZE_KUBE_CONTINUE] = "x";

                assert_int_equal(
                        kube_pods_parse(cases[i].in, strlen(cases[i].in), on_pod, &s, more, NULL),
                        0);
                assert_int_equal(s.n, 1);
                assert_string_equal(more, "");
                if (s.last.kind != cases[i].want || s.last.deleting != cases[i].deleting)
                        fail_msg("case %zu: %d", i, (int)s.last.kind);
                assert_string_equal(s.last.name, "p-1");
                assert_string_equal(s.last.namespace, "default");
        }
}

static void lists(void **state) {
        static const char goes_on[] =
                "{\"kind\":\"PodList\",\"metadata\":{\"continue\":\"eyJ2_-0\"},\"items\":null}";
        static const char *const bad[] = {
                "",
                "[]",
                "{}",
                "{\"kind\":\"NodeList\",\"items\":[]}",
                "{\"kind\":\"PodList\",\"items\":{}}",
                "{\"kind\":\"PodList\",\"metadata\":{\"continue\":\"a&b\"},\"items\":[]}",
                LIST("{}"),
                LIST("{\"metadata\":{\"name\":\"a\"}}"),
                LIST(POD("", "") "," LIST("")),
                LIST("{\"metadata\":{\"name\":\"../../nodes/m1\",\"namespace\":\"default\"}}"),
                LIST("{\"metadata\":{\"name\":\"a\",\"namespace\":\"a/b\"}}"),
                LIST("{\"metadata\":{\"name\":\"a\\\"}\",\"namespace\":\"default\"}}"),
        };
        struct seen s = { 0 };
        char more[SIZE_KUBE_CONTINUE];

        (void)state;
        assert_int_equal(kube_pods_parse(goes_on, strlen(goes_on), on_pod, &s, more, NULL), 0);
        assert_string_equal(more, "eyJ2_-0");
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct fail f = { 0 };

                if (kube_pods_parse(bad[i], strlen(bad[i]), on_pod, &s, more, &f) != -EBADMSG)
                        fail_msg("'%s' was taken", bad[i]);
        }
        assert_int_equal(s.n, 0); /* none of a list that is wrong somewhere */
}

static void requests(void **state) {
        const struct kube_pod p = { .name = "web-1", .namespace = "default" };
        char path[SIZE_KUBE_PATH], body[SIZE_KUBE_EVICTION], longest[SIZE_KUBE_NAME];
        char word[SIZE_KUBE_CONTINUE];
        struct kube_pod large = { 0 };

        (void)state;
        assert_int_equal(kube_pods_path("w1", "", path), 0);
        assert_string_equal(path, "/api/v1/pods?limit=64&fieldSelector=spec.nodeName%3Dw1");
        assert_int_equal(kube_pods_path("w1&x=y", "", path), -EINVAL);
        assert_int_equal(kube_pods_path("w1", "eyJ2_-0", path), 0);
        assert_string_equal(
                path, "/api/v1/pods?limit=64&fieldSelector=spec.nodeName%3Dw1&continue=eyJ2_-0");
        assert_int_equal(kube_pods_path("w1", "x&y", path), -EINVAL);
        kube_eviction_path(&p, path);
        assert_string_equal(path, "/api/v1/namespaces/default/pods/web-1/eviction");
        kube_eviction_body(&p, (struct kube_version){ 1, 20, 2 }, body);
        assert_string_equal(body,
                            "{\"apiVersion\":\"policy/v1beta1\",\"kind\":\"Eviction\",\"metadata\":"
                            "{\"name\":\"web-1\",\"namespace\":\"default\"}}");
        kube_eviction_body(&p, (struct kube_version){ 1, 22, 0 }, body);
        assert_non_null(strstr(body, "\"policy/v1\""));
        /* the longest names and words that there are fit */
        memset(longest, 'a', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        memset(word, 'b', sizeof(word) - 1);
        word[sizeof(word) - 1] = '\0';
        assert_int_equal(kube_pods_path(longest, word, path), 0);
        assert_string_equal(path + strlen(path) - strlen(word), word);
        (void)str_copy(large.name, sizeof(large.name), longest);
        (void)str_copy(large.namespace, sizeof(large.namespace), longest);
        kube_eviction_path(&large, path);
        assert_string_equal(path + strlen(path) - strlen("/eviction"), "/eviction");
        kube_eviction_body(&large, (struct kube_version){ 1, 20, 2 }, body);
        assert_string_equal(body + strlen(body) - 2, "}}");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(kinds),
                cmocka_unit_test(lists),
                cmocka_unit_test(requests),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
