#include "io/cni.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/json.h"
#include "root_fixture.h"

#define CONF "etc/cni/net.d/10-bramble.conflist"

static void configure(void **state) {
        struct fail f = { 0 };
        struct stat before, after;

        (void)state;
        assert_int_equal(cni_configure(root, 7, &f), 1);
        before = root_stat(CONF);
        assert_int_equal(before.st_mode & 07777, 0644);
        assert_int_equal(root_stat("etc/cni/net.d").st_mode & 07777, 0755);
        assert_int_equal(cni_configure(root, 7, &f), 0);
        after = root_stat(CONF);
        assert_true(before.st_ino == after.st_ino);
        assert_non_null(strstr(root_text(CONF), "\"10.244.7.0/24\""));
        assert_int_equal(cni_configure(root, 250, &f), 1);
        assert_non_null(strstr(root_text(CONF), "\"10.244.250.0/24\""));
        assert_false(root_has("etc/cni/net.d/.10-bramble.conflist.new"));
        assert_int_equal(cni_configure(root, 0, NULL), -ERANGE);
        assert_int_equal(cni_configure(root, 251, &f), -ERANGE);
        assert_string_equal(f.text, "251 is no board's subnet (1 to 250)");
}

static void content(void **state) {
        auto_json cJSON *o = NULL;
        const cJSON *plugins, *bridge, *ipam, *range;
        struct fail f = { 0 };
        const char *text;

        (void)state;
        assert_int_equal(cni_configure(root, 3, &f), 1);
        text = root_text(CONF);
        assert_int_equal(json_parse_object(text, strlen(text), &o, &f), 0);
        assert_string_equal(json_text(o, "cniVersion", ""), "0.4.0");
        assert_string_equal(json_text(o, "name", ""), "bramble");
        plugins = cJSON_GetObjectItem(o, "plugins");
        assert_int_equal(cJSON_GetArraySize(plugins), 2);
        bridge = cJSON_GetArrayItem(plugins, 0);
        assert_string_equal(json_text(bridge, "type", ""), "bridge");
        assert_string_equal(json_text(bridge, "bridge", ""), "cni0");
        assert_true(json_bool(bridge, "isGateway"));
        assert_true(json_bool(bridge, "isDefaultGateway"));
        assert_true(json_bool(bridge, "hairpinMode"));
        assert_false(json_bool(bridge, "ipMasq"));
        ipam = cJSON_GetObjectItem(bridge, "ipam");
        assert_string_equal(json_text(ipam, "type", ""), "host-local");
        range = cJSON_GetArrayItem(cJSON_GetArrayItem(cJSON_GetObjectItem(ipam, "ranges"), 0), 0);
        assert_string_equal(json_text(range, "subnet", ""), "10.244.3.0/24");
        assert_string_equal(json_text(cJSON_GetArrayItem(plugins, 1), "type", ""), "portmap");
}

static void no_place(void **state) {
        struct fail f = { 0 };

        (void)state;
        root_put("etc/cni", "a file", 0644);
        assert_int_equal(cni_configure(root, 3, &f), -ENOTDIR);
        assert_string_equal(f.text, "cannot write /etc/cni/net.d/10-bramble.conflist: "
                                    "Not a directory");
}

static void plugins(void **state) {
        struct fail f = { 0 };
        const char *dir = NULL;

        (void)state;
        assert_int_equal(cni_find_plugins(root, &dir, &f), -ENOENT);
        assert_string_equal(f.text, "CNI plug-ins are missing (bridge, host-local, portmap, "
                                    "loopback in /usr/lib/cni): install the package "
                                    "containernetworking-plugins");
        root_put("usr/lib/cni/bridge", "", 0755);
        root_put("usr/lib/cni/host-local", "", 0755);
        root_put("usr/lib/cni/loopback", "", 0755);
        root_put("usr/lib/cni/portmap", "", 0644); /* cannot be run */
        f = (struct fail){ 0 };
        assert_int_equal(cni_find_plugins(root, &dir, &f), -ENOENT);
        assert_string_equal(f.text, "CNI plug-ins are missing (portmap in /usr/lib/cni): install "
                                    "the package containernetworking-plugins");
        assert_null(dir);
        for (const char *const *p =
                     (const char *const[]){ "bridge", "host-local", "portmap", "loopback", NULL };
             *p; p++) {
                char path[64];

                (void)snprintf(path, sizeof(path), "opt/cni/bin/%s", *p);
                root_put(path, "", 0755);
        }
        assert_int_equal(cni_find_plugins(root, &dir, NULL), 0);
        assert_string_equal(dir, "/opt/cni/bin");
        root_put("usr/lib/cni/portmap", "", 0755);
        assert_int_equal(cni_find_plugins(root, &dir, NULL), 0);
        assert_string_equal(dir, "/usr/lib/cni");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(configure, root_make, root_remove),
                cmocka_unit_test_setup_teardown(content, root_make, root_remove),
                cmocka_unit_test_setup_teardown(no_place, root_make, root_remove),
                cmocka_unit_test_setup_teardown(plugins, root_make, root_remove),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
