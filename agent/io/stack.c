#include "io/stack.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { PAIRS_MAX = 256, NODES_MAX = 20000 };

struct reader {
        yaml_document_t *doc;
        stack_read_cb read;
        void *arg;
        struct stack *stack;
        struct stack_function *function;
        struct fail *fail;
};

typedef int (*take_cb)(struct reader *r, const char *key, yaml_node_t *value);

struct key {
        const char *name;
        take_cb take;
        const char *target; /* the key of the deployment */
};

static unsigned line_of(const yaml_node_t *n) {
        return (unsigned)n->start_mark.line + 1;
}

static int wrong(struct reader *r, const yaml_node_t *n, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static int wrong(struct reader *r, const yaml_node_t *n, const char *format, ...) {
        char text[240];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        return fail(r->fail, -EINVAL, "line %u: %s", line_of(n), text);
}

static void warn(struct reader *r, const yaml_node_t *n, const char *key) {
        if (r->stack->n_warnings < STACK_WARNINGS)
                (void)snprintf(r->stack->warnings[r->stack->n_warnings++], 160,
                               "line %u: '%.60s' is not known, and left out", line_of(n), key);
}

/* A scalar's text; NULL for another kind, and for what holds a NUL. */
static const char *text_of(const yaml_node_t *n) {
        const char *text;

        if (!n || n->type != YAML_SCALAR_NODE)
                return NULL;
        text = (const char *)n->data.scalar.value;
        if (strlen(text) != n->data.scalar.length)
                return NULL;
        if (n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
            (str_eq(text, "null") || str_eq(text, "~")))
                return "";
        return text;
}

static bool is_nothing(const yaml_node_t *n) {
        const char *text = text_of(n);

        return text && !text[0] && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* Calls 'each' for the pairs of a mapping, those of its "<<" first. */
static int each_pair(struct reader *r, yaml_node_t *map, const char *what, unsigned depth,
                     int (*each)(struct reader *r, void *arg, const char *key, yaml_node_t *at,
                                 yaml_node_t *value),
                     void *arg) {
        int result = 0;

        if (is_nothing(map))
                return 0;
        if (map->type != YAML_MAPPING_NODE)
                return wrong(r, map, "%s must be a list of 'name: value'", what);
        if (map->data.mapping.pairs.top - map->data.mapping.pairs.start > PAIRS_MAX)
                return wrong(r, map, "%s has more than %d entries", what, PAIRS_MAX);
        for (int merging = 1; merging >= 0; merging--) {
                yaml_node_pair_t *p = map->data.mapping.pairs.start;

                for (; result == 0 && p < map->data.mapping.pairs.top; p++) {
                        yaml_node_t *key = yaml_document_get_node(r->doc, p->key);
                        yaml_node_t *value = yaml_document_get_node(r->doc, p->value);
                        const char *name = text_of(key);

                        if (!name || !value)
                                return wrong(r, key ? key : map, "%s: a name must be plain text",
                                             what);
                        if (merging != str_eq(name, "<<"))
                                continue;
                        if (!merging)
                                result = each(r, arg, name, key, value);
                        else if (depth == 4)
                                return wrong(r, key, "'<<' is nested too deeply");
                        else
                                result = each_pair(r, value, "'<<'", depth + 1, each, arg);
                }
        }
        return result;
}

/* ---- values ---- */

static int put_text(struct reader *r, const char *key, yaml_node_t *value) {
        const char *text = text_of(value);

        if (!text)
                return wrong(r, value, "'%s' must be a text", key);
        cJSON_DeleteItemFromObjectCaseSensitive(r->function->spec, key);
        return cJSON_AddStringToObject(r->function->spec, key, text) ? 0 : -ENOMEM;
}

static int truth_of(struct reader *r, const char *key, yaml_node_t *value, bool *ret) {
        static const char *const yes[] = { "true", "True", "TRUE", "yes", "on" };
        static const char *const no[] = { "false", "False", "FALSE", "no", "off", "" };
        const char *text = text_of(value);

        for (size_t i = 0; text && i < ARRAY_SIZE(yes); i++)
                if (str_eq(text, yes[i])) {
                        *ret = true;
                        return 0;
                }
        for (size_t i = 0; text && i < ARRAY_SIZE(no); i++)
                if (str_eq(text, no[i])) {
                        *ret = false;
                        return 0;
                }
        return wrong(r, value, "'%s' must be true or false", key);
}

static int put_truth(struct reader *r, const char *key, yaml_node_t *value) {
        bool yes = false;
        int error = truth_of(r, key, value, &yes);

        if (error < 0)
                return error;
        cJSON_DeleteItemFromObjectCaseSensitive(r->function->spec, key);
        return cJSON_AddBoolToObject(r->function->spec, key, yes) ? 0 : -ENOMEM;
}

static int put_pair(struct reader *r, void *arg, const char *key, yaml_node_t *at,
                    yaml_node_t *value) {
        const char *text = text_of(value);

        if (!key[0])
                return wrong(r, at, "a name is empty");
        if (!text)
                return wrong(r, value, "'%.60s' must be a text or a number", key);
        cJSON_DeleteItemFromObjectCaseSensitive(arg, key);
        return cJSON_AddStringToObject(arg, key, text) ? 0 : -ENOMEM;
}

static cJSON *object_of(cJSON *o, const char *key) {
        cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

        return v ? v : cJSON_AddObjectToObject(o, key);
}

static int put_pairs(struct reader *r, const char *key, yaml_node_t *value) {
        cJSON *o = object_of(r->function->spec, key);

        return o ? each_pair(r, value, key, 0, put_pair, o) : -ENOMEM;
}

static int put_resource(struct reader *r, void *arg, const char *key, yaml_node_t *at,
                        yaml_node_t *value) {
        if (!str_eq(key, "memory") && !str_eq(key, "cpu")) {
                warn(r, at, key);
                return 0;
        }
        return put_pair(r, arg, key, at, value);
}

static int put_resources(struct reader *r, const char *key, yaml_node_t *value) {
        cJSON *o = object_of(r->function->spec, key);

        return o ? each_pair(r, value, key, 0, put_resource, o) : -ENOMEM;
}

static int each_item(struct reader *r, yaml_node_t *list, const char *key,
                     int (*each)(struct reader *r, yaml_node_t *item, const char *text)) {
        int result = 0;

        if (is_nothing(list))
                return 0;
        if (list->type != YAML_SEQUENCE_NODE)
                return wrong(r, list, "'%s' must be a list of '- item'", key);
        for (yaml_node_item_t *i = list->data.sequence.items.start;
             result == 0 && i < list->data.sequence.items.top; i++) {
                yaml_node_t *item = yaml_document_get_node(r->doc, *i);
                const char *text = text_of(item);

                if (!text || !text[0])
                        return wrong(r, item ? item : list, "'%s' must be a list of texts", key);
                result = each(r, item, text);
        }
        return result;
}

static int add_item(struct reader *r, const char *key, const char *text) {
        cJSON *array = cJSON_GetObjectItemCaseSensitive(r->function->spec, key);

        if (!array)
                array = cJSON_AddArrayToObject(r->function->spec, key);
        if (cJSON_GetArraySize(array) == PAIRS_MAX)
                return fail(r->fail, -E2BIG, "line %u: '%s' has more than %d entries",
                            r->function->line, key, PAIRS_MAX);
        return cJSON_AddItemToArray(array, cJSON_CreateString(text)) ? 0 : -ENOMEM;
}

static int add_secret(struct reader *r, yaml_node_t *item, const char *text) {
        (void)item;
        return add_item(r, "secrets", text);
}

static int add_constraint(struct reader *r, yaml_node_t *item, const char *text) {
        (void)item;
        return add_item(r, "constraints", text);
}

static int put_secrets(struct reader *r, const char *key, yaml_node_t *value) {
        return each_item(r, value, key, add_secret);
}

static int put_constraints(struct reader *r, const char *key, yaml_node_t *value) {
        return each_item(r, value, key, add_constraint);
}

/* ---- environment files: "environment:" and pairs; they win over the stack file ---- */

static int load(const char *text, size_t len, yaml_document_t *doc, struct fail *f);

static int environment_pair(struct reader *r, void *arg, const char *key, yaml_node_t *at,
                            yaml_node_t *value) {
        (void)arg;
        if (!str_eq(key, "environment")) {
                (void)at;
                return 0;
        }
        return put_pairs(r, "envVars", value);
}

static int add_environment_file(struct reader *r, yaml_node_t *item, const char *path) {
        auto_buf struct buf b = { .limit = STACK_BYTES };
        struct fail why = { 0 };
        struct reader inner = *r;
        yaml_document_t doc;
        yaml_node_t *root;
        int result = r->read ? r->read(r->arg, path, &b) : -ENOENT;

        if (result < 0) {
                (void)fail(r->fail, result, "line %u: cannot read %.120s: %s", line_of(item), path,
                           strerror(-result));
                return result;
        }
        result = load(str_or(b.data, ""), b.len, &doc, &why);
        if (result == 0) {
                inner.doc = &doc;
                inner.fail = &why;
                root = yaml_document_get_root_node(&doc);
                if (root)
                        result = each_pair(&inner, root, "the file", 0, environment_pair, NULL);
                yaml_document_delete(&doc);
        }
        if (result < 0)
                (void)fail(r->fail, result, "line %u: %.100s: %s", line_of(item), path,
                           fail_text(&why));
        return result;
}

static int put_environment_files(struct reader *r, const char *key, yaml_node_t *value) {
        return each_item(r, value, key, add_environment_file);
}

/* ---- building ---- */

static int set_build(struct reader *r, const char *key, yaml_node_t *value, bool must) {
        const char *text = text_of(value);
        char *copy;

        if (!text || !text[0])
                return wrong(r, value, "'%s' must be a folder", key);
        if (r->function->must_build && !must)
                return 0; /* 'build' says more than 'handler' */
        copy = strdup(text);
        if (!copy)
                return -ENOMEM;
        free(r->function->build);
        r->function->build = copy;
        r->function->must_build = must;
        return 0;
}

static int take_build(struct reader *r, const char *key, yaml_node_t *value) {
        return set_build(r, key, value, true);
}

static int take_handler(struct reader *r, const char *key, yaml_node_t *value) {
        return is_nothing(value) ? 0 : set_build(r, key, value, false);
}

static int take_build_args(struct reader *r, const char *key, yaml_node_t *value) {
        if (!r->function->build_args)
                r->function->build_args = cJSON_CreateObject();
        return each_pair(r, value, key, 0, put_pair, r->function->build_args);
}

static int take_skip_build(struct reader *r, const char *key, yaml_node_t *value) {
        return truth_of(r, key, value, &r->function->skip_build);
}

static int take_nothing(struct reader *r, const char *key, yaml_node_t *value) {
        (void)r;
        (void)key;
        (void)value;
        return 0;
}

/* ---- one function ---- */

static const struct key keys[] = {
        { "image", put_text, "image" },
        { "fprocess", put_text, "envProcess" },
        { "namespace", put_text, "namespace" },
        { "environment", put_pairs, "envVars" },
        { "labels", put_pairs, "labels" },
        { "annotations", put_pairs, "annotations" },
        { "limits", put_resources, "limits" },
        { "requests", put_resources, "requests" },
        { "secrets", put_secrets, "secrets" },
        { "constraints", put_constraints, "constraints" },
        { "readonly_root_filesystem", put_truth, "readOnlyRootFilesystem" },
        { "build", take_build, "build" },
        { "handler", take_handler, "handler" },
        { "build_args", take_build_args, "build_args" },
        { "skip_build", take_skip_build, "skip_build" },
        /* of faas-cli's templates and registries */
        { "lang", take_nothing, NULL },
        { "build_options", take_nothing, NULL },
        { "registry_auth", take_nothing, NULL },
        { "handler_image", take_nothing, NULL },
        { "platforms", take_nothing, NULL },
        { "copy", take_nothing, NULL },
        /* after 'environment', over which it wins: see take_function() */
        { "environment_file", take_nothing, NULL },
};

static int function_pair(struct reader *r, void *arg, const char *key, yaml_node_t *at,
                         yaml_node_t *value) {
        (void)arg;
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (str_eq(keys[i].name, key))
                        return keys[i].take(r, str_or(keys[i].target, key), value);
        warn(r, at, key);
        return 0;
}

static int files_pair(struct reader *r, void *arg, const char *key, yaml_node_t *at,
                      yaml_node_t *value) {
        (void)arg;
        (void)at;
        return str_eq(key, "environment_file") ? put_environment_files(r, key, value) : 0;
}

static int finish_function(struct reader *r, const yaml_node_t *at) {
        struct stack_function *fn = r->function;

        if (fn->skip_build) {
                free(fn->build);
                fn->build = NULL;
                fn->must_build = false;
        }
        if (!cJSON_GetObjectItemCaseSensitive(fn->spec, "image") && !fn->build)
                return wrong(r, at, "function %s has neither an 'image' nor a 'build' folder",
                             fn->name);
        return 0;
}

static int take_function(struct reader *r, void *arg, const char *name, yaml_node_t *at,
                         yaml_node_t *value) {
        struct stack_function *functions, *fn;
        int error;

        (void)arg;
        for (size_t i = 0; i < r->stack->n; i++)
                if (str_eq(r->stack->functions[i].name, name))
                        return wrong(r, at, "function %.60s is there twice", name);
        if (r->stack->n == STACK_FUNCTIONS)
                return wrong(r, at, "there are more than %d functions", STACK_FUNCTIONS);
        functions = realloc(r->stack->functions, (r->stack->n + 1) * sizeof(*functions));
        if (!functions)
                return -ENOMEM;
        r->stack->functions = functions;
        fn = r->function = &functions[r->stack->n++];
        *fn = (struct stack_function){ .line = line_of(at), .spec = cJSON_CreateObject() };
        if (!name[0] || str_copy(fn->name, sizeof(fn->name), name) < 0)
                return wrong(r, at, "'%.40s' is no function name", name);
        if (!cJSON_AddStringToObject(fn->spec, "service", name))
                return -ENOMEM;
        error = each_pair(r, value, name, 0, function_pair, NULL);
        if (error == 0)
                error = each_pair(r, value, name, 0, files_pair, NULL);
        return error < 0 ? error : finish_function(r, at);
}

static int root_pair(struct reader *r, void *arg, const char *key, yaml_node_t *at,
                     yaml_node_t *value) {
        bool *any = arg;

        if (str_eq(key, "functions")) {
                *any = true;
                return each_pair(r, value, key, 0, take_function, NULL);
        }
        if (!str_eq(key, "version") && !str_eq(key, "provider") && !str_eq(key, "configuration") &&
            !str_starts(key, "x-"))
                warn(r, at, key);
        return 0;
}

/* ---- the file ---- */

/* libyaml builds the nodes; an alias is a second way to the same one. */
static int load(const char *text, size_t len, yaml_document_t *doc, struct fail *f) {
        yaml_parser_t parser;
        int r = 0;

        if (len > STACK_BYTES)
                return fail(f, -E2BIG, "line 1: the file is larger than %d KB", STACK_BYTES / 1024);
        if (!yaml_parser_initialize(&parser))
                return -ENOMEM;
        yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
        if (!yaml_parser_load(&parser, doc)) {
                r = fail(f, parser.error == YAML_MEMORY_ERROR ? -ENOMEM : -EINVAL, "line %u: %s",
                         (unsigned)parser.problem_mark.line + 1,
                         str_or(parser.problem, "this is no YAML"));
        } else if (doc->nodes.top - doc->nodes.start > NODES_MAX) {
                yaml_document_delete(doc);
                r = fail(f, -E2BIG, "line 1: the file has more than %d values", NODES_MAX);
        }
        yaml_parser_delete(&parser);
        return r;
}

int stack_parse(const char *text, size_t len, stack_read_cb read, void *arg, struct stack *ret,
                struct fail *f) {
        yaml_document_t doc;
        yaml_node_t *root;
        bool any = false;
        int r = load(text, len, &doc, f);

        *ret = (struct stack){ 0 };
        if (r < 0)
                return r;
        root = yaml_document_get_root_node(&doc);
        if (root) {
                struct reader reader = {
                        .doc = &doc, .read = read, .arg = arg, .stack = ret, .fail = f
                };

                r = each_pair(&reader, root, "the file", 0, root_pair, &any);
        }
        if (r == 0 && (!any || ret->n == 0))
                r = fail(f, -EINVAL, "line 1: there is no function below 'functions:'");
        yaml_document_delete(&doc);
        if (r < 0) {
                size_t n = ret->n_warnings; /* what was left out may be why */

                stack_done(ret);
                ret->n_warnings = n;
        }
        return r;
}

void stack_done(struct stack *s) {
        for (size_t i = 0; i < s->n; i++) {
                cJSON_Delete(s->functions[i].spec);
                cJSON_Delete(s->functions[i].build_args);
                free(s->functions[i].build);
        }
        free(s->functions);
        s->functions = NULL;
        s->n = s->n_warnings = 0;
}
