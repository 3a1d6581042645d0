/* GET /ui/status: the tables, for who has no script. */
#include "base/scope.h"
#include "base/str.h"
#include "core/drain.h"
#include "core/html.h"
#include "gateway/ui_private.h"
#include "io/json.h"

#include <stdio.h>
#include <string.h>

/* Text and numbers of an object under a path of two names at most. */
static const cJSON *at(const cJSON *o, const char *key, const char *inner) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

        return inner ? cJSON_GetObjectItemCaseSensitive(v, inner) : v;
}

static double number(const cJSON *o, const char *key, const char *inner) {
        const cJSON *v = at(o, key, inner);

        return cJSON_IsNumber(v) ? v->valuedouble : -1;
}

/* How many there are, of whatever is said. */
static unsigned count(const cJSON *o, const char *key) {
        double v = number(o, key, NULL);

        return v > 0 && v < 1e9 ? (unsigned)v : 0;
}

static const char *text(const cJSON *o, const char *key, const char *inner) {
        const cJSON *v = at(o, key, inner);

        return cJSON_IsString(v) ? v->valuestring : "";
}

/* A page that grew too large, or no memory: what is missing at the end shows that. */
static void cell(struct buf *b, const char *value) {
        (void)buf_add_text(b, "<td>");
        (void)html_add(b, value[0] ? value : "-");
        (void)buf_add_text(b, "</td>");
}

static void size_cell(struct buf *b, double free_bytes, double total) {
        char have[16], all[16], line[40] = "";

        if (free_bytes >= 0 && total > 0 && total < 1e18 && free_bytes < 1e18)
                (void)snprintf(line, sizeof(line), "%s of %s free",
                               str_size(have, (uint64_t)free_bytes),
                               str_size(all, (uint64_t)total));
        cell(b, line);
}

static void table_begin(struct buf *b, const char *title, const char *const *columns) {
        (void)buf_printf(b,
                         "<div class=\"wide\" role=\"region\" tabindex=\"0\" "
                         "aria-label=\"%s\"><table><caption>%s</caption><thead><tr>",
                         title, title);
        for (; *columns; columns++)
                (void)buf_printf(b, "<th scope=\"col\">%s</th>", *columns);
        (void)buf_add_text(b, "</tr></thead><tbody>\n");
}

static void table_end(struct buf *b) {
        (void)buf_add_text(b, "</tbody></table></div>\n");
}

static void row_begin(struct buf *b, const char *name) {
        (void)buf_add_text(b, "<tr><th scope=\"row\">");
        (void)html_add(b, name);
        (void)buf_add_text(b, "</th>");
}

/* ---- boards -----------------------------------------------------------------------------------
 */

static void temperature_cell(struct buf *b, const cJSON *o) {
        double now = number(o, "temperature_c", NULL), limit = number(o, "board", "throttle_c");
        char line[64] = "";

        if (now > -100 && now < 1000 && cJSON_IsNumber(at(o, "temperature_c", NULL)))
                (void)snprintf(line, sizeof(line),
                               limit > 0 && limit < 1000 ? "%.0f \u00b0C, throttles at %.0f"
                                                         : "%.0f \u00b0C",
                               now, limit);
        cell(b, line);
}

static void board_row(struct buf *b, const cJSON *o) {
        double cpu = number(o, "cpu_percent", NULL), uptime = number(o, "uptime_seconds", NULL);
        const char *word = drain_word(json_bool(o, "cordoned"), json_bool(o, "drained"));
        char line[128];

        row_begin(b, text(o, "name", NULL));
        (void)snprintf(line, sizeof(line), "%.40s%s%s%s%s", text(o, "role", NULL),
                       json_bool(o, "leader") ? ", leads" : "",
                       json_bool(o, "voter") ? ", votes" : "", word[0] ? ", " : "", word);
        cell(b, line);
        cell(b, text(o, "state", NULL));
        cell(b, text(o, "board", "model"));
        line[0] = '\0';
        if (cpu >= 0 && cpu <= 1000)
                (void)snprintf(line, sizeof(line), "%.0f %%", cpu);
        cell(b, line);
        size_cell(b, number(o, "memory", "available_bytes"), number(o, "memory", "total_bytes"));
        temperature_cell(b, o);
        cell(b, text(o, "power", "words"));
        size_cell(b, number(o, "disk", "free_bytes"), number(o, "disk", "total_bytes"));
        cell(b, uptime >= 0 && uptime < 1e12 ? str_duration(line, (uint64_t)uptime) : "");
        cell(b, text(o, "kubernetes", "state"));
        cell(b, text(o, "problems", NULL));
        (void)buf_add_text(b, "</tr>\n");
}

static void boards(struct buf *b, const cJSON *status) {
        static const char *const columns[] = { "Board", "Role",   "State",       "Model",
                                               "CPU",   "Memory", "Temperature", "Power",
                                               "Card",  "Up for", "Kubernetes",  "Problems",
                                               NULL };
        const cJSON *o;

        table_begin(b, "Boards", columns);
        cJSON_ArrayForEach(o, at(status, "nodes", NULL)) {
                board_row(b, o);
        }
        table_end(b);
}

/* ---- functions and alerts ---------------------------------------------------------------------
 */

static void where_cell(struct buf *b, const cJSON *placements) {
        const cJSON *o;
        bool any = false;

        (void)buf_add_text(b, "<td>");
        cJSON_ArrayForEach(o, placements) {
                (void)buf_add_text(b, any ? ", " : "");
                (void)html_add(b, json_text(o, "node", ""));
                (void)buf_add_text(b, " (");
                (void)html_add(b, json_text(o, "state", ""));
                (void)buf_add_text(b, ")");
                any = true;
        }
        (void)buf_add_text(b, any ? "</td>" : "-</td>");
}

static void functions(struct buf *b, const cJSON *status) {
        static const char *const columns[] = { "Function", "Namespace", "Ready", "Where",
                                               "Calls",    "Note",      NULL };
        const cJSON *o;

        table_begin(b, "Functions", columns);
        cJSON_ArrayForEach(o, at(status, "functions", NULL)) {
                char line[64];

                row_begin(b, text(o, "name", NULL));
                cell(b, text(o, "namespace", NULL));
                (void)snprintf(line, sizeof(line), "%u of %u", count(o, "available_replicas"),
                               count(o, "replicas"));
                cell(b, line);
                where_cell(b, at(o, "placements", NULL));
                (void)snprintf(line, sizeof(line), "%u", count(o, "invocations"));
                cell(b, line);
                cell(b, text(o, "reason", NULL));
                (void)buf_add_text(b, "</tr>\n");
        }
        table_end(b);
}

static void alerts(struct buf *b, const cJSON *status) {
        static const char *const columns[] = { "Alert", "Severity", "Board", "What", NULL };
        const cJSON *list = at(status, "alerts", NULL), *o;

        if (!cJSON_IsArray(list) || !list->child) {
                (void)buf_add_text(b, "<p>No alerts.</p>\n");
                return;
        }
        table_begin(b, "Alerts", columns);
        cJSON_ArrayForEach(o, list) {
                row_begin(b, text(o, "name", NULL));
                cell(b, text(o, "severity", NULL));
                cell(b, text(o, "board", NULL));
                cell(b, text(o, "text", NULL));
                (void)buf_add_text(b, "</tr>\n");
        }
        table_end(b);
}

static void headline(struct buf *b, const cJSON *status) {
        double voters = number(status, "voters", NULL), up = number(status, "voters_up", NULL);
        double low = number(status, "watts", "low"), high = number(status, "watts", "high");
        const char *note = text(status, "note", NULL);

        (void)buf_add_text(b, "<h1>");
        (void)html_add(b, text(status, "cluster", NULL));
        (void)buf_add_text(b, "</h1>\n<p>Master ");
        (void)html_add(b, text(status, "master", NULL));
        (void)buf_add_text(b, ", leader ");
        (void)html_add(b, text(status, "leader", NULL));
        if (up >= 0)
                (void)buf_printf(b, ", %.0f of %.0f voters up: %s", up, voters,
                                 up * 2 > voters ? "there is a quorum" : "there is NO quorum");
        if (low >= 0 && high >= 0)
                (void)buf_printf(b, ", about %.0f to %.0f W", low, high);
        (void)buf_add_text(b, ".</p>\n");
        if (note[0]) {
                (void)buf_add_text(b, "<p class=\"bad\">");
                (void)html_add(b, note);
                (void)buf_add_text(b, "</p>\n");
        }
}

static void show(struct ui_request *q, const cJSON *status) {
        struct session *session = ui_request_session(q);
        struct buf b = { .limit = UI_MESSAGE_BYTES };

        (void)ui_html_begin(&b, "The bramble's status");
        headline(&b, status);
        alerts(&b, status);
        boards(&b, status);
        functions(&b, status);
        (void)buf_printf(&b,
                         "<form method=\"post\" action=\"/ui/logout\"><p><input type=\"hidden\" "
                         "name=\"csrf\" value=\"%s\"><button type=\"submit\">Log out</button> "
                         "<a href=\"/ui/status\">Load it again</a> "
                         "<a href=\"/ui/\">The dashboard</a></p></form>\n",
                         session ? session->csrf : "");
        ui_reply_html(q, 200, "", &b);
}

static void on_status(void *arg, unsigned code, const char *error, const cJSON *reply) {
        struct ui_request *q = arg;
        struct buf b = { 0 };

        q->asked = NULL;
        if (code == 0) {
                show(q, reply);
                return;
        }
        (void)ui_html_begin(&b, "The bramble's status");
        (void)buf_add_text(&b, "<h1>No status now</h1><p class=\"bad\">");
        (void)html_add(&b, error);
        (void)buf_add_text(&b, "</p>\n");
        ui_reply_html(q, code, "", &b);
}

static void on_closed(void *arg) {
        struct ui_request *q = arg;

        (void)ui_take_client(q);
}

static const struct exchange_ops ops = {
        .closed = on_closed,
};

void ui_status(struct ui_request *q) {
        cJSON *request = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(request, "verb", "status");
        if (agent_ask_soon(q->ui->g->agent, request, on_status, q, &q->asked) < 0) {
                q->asked = NULL;
                on_status(q, 503,
                          "The agent of this board cannot be asked now; try again in a moment.",
                          NULL);
                return;
        }
        client_attach(q->client, &ops, q, false);
}
