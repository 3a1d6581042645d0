# The gateway without its main().
UNIT_OBJ_test_gateway_functions := $(filter-out %/main.o,$(GATEWAY_OBJ))
$(OUT)/unit/test_gateway_functions: $(UNIT_OBJ_test_gateway_functions)
UNIT_OBJ_test_call_counts := $(OUT)/agent/gateway/call_counts.o
$(OUT)/unit/test_call_counts: $(UNIT_OBJ_test_call_counts)

# The dashboard's half of the gateway.
UNIT_OBJ_test_ui_calls := $(addprefix $(OUT)/agent/gateway/,ui_calls.o call_counts.o)
$(OUT)/unit/test_ui_calls: $(UNIT_OBJ_test_ui_calls)
UNIT_OBJ_test_ui_message := $(OUT)/agent/gateway/ui_message.o
$(OUT)/unit/test_ui_message: $(UNIT_OBJ_test_ui_message)
UNIT_OBJ_test_ui_assets := $(OUT)/agent/gateway/ui_assets.o
$(OUT)/unit/test_ui_assets: $(UNIT_OBJ_test_ui_assets)

# fwatchdog: parts of it, and the program itself.
UNIT_OBJ_test_watchdog_options := $(OUT)/agent/watchdog/options.o
$(OUT)/unit/test_watchdog_options: $(UNIT_OBJ_test_watchdog_options)
UNIT_OBJ_test_watchdog_outbox := $(OUT)/agent/watchdog/outbox.o
$(OUT)/unit/test_watchdog_outbox: $(UNIT_OBJ_test_watchdog_outbox)
UNIT_OBJ_test_watchdog_metrics := $(addprefix $(OUT)/agent/watchdog/,metrics.o answer.o)
$(OUT)/unit/test_watchdog_metrics: $(UNIT_OBJ_test_watchdog_metrics)
$(OUT)/unit/test_fwatchdog $(OUT)/unit/test_fwatchdog_hostile: $(OUT)/fwatchdog tests/unit/fwatchdog_bed.h
$(patsubst %,$(OUT)/unit/test_fwatchdog_%,modes http static): $(OUT)/fwatchdog \
        tests/unit/fwatchdog_bed.h tests/unit/fwatchdog_modes_bed.h

# bramble-agent: what it keeps on the card.
UNIT_OBJ_test_saved := $(OUT)/agent/daemon/saved.o
$(OUT)/unit/test_saved: $(UNIT_OBJ_test_saved)

# crictl: its command line.
UNIT_OBJ_test_crictl_options := $(OUT)/agent/crictl/options.o
$(OUT)/unit/test_crictl_options: $(UNIT_OBJ_test_crictl_options)

# The store: what a board reads of it, and the functions themselves.
UNIT_OBJ_test_store := $(OUT)/agent/daemon/store.o
$(OUT)/unit/test_store: $(UNIT_OBJ_test_store)
$(OUT)/unit/test_functions: $(OUT)/functions/program

# bramble-agent: the counts of calls.
UNIT_OBJ_test_calls_file := $(OUT)/agent/daemon/calls_file.o
$(OUT)/unit/test_calls_file: $(UNIT_OBJ_test_calls_file)

# The gateway's time-outs and its line of waiting calls.
UNIT_OBJ_test_gateway_deadline := $(filter-out %/main.o,$(GATEWAY_OBJ))
$(OUT)/unit/test_gateway_deadline: $(UNIT_OBJ_test_gateway_deadline)

# bramble-agent: what boards tell each other of a shutdown.
UNIT_OBJ_fuzz_power_view := $(OUT)/agent/daemon/power_json.o
$(OUT)/fuzz/fuzz_power_view: $(UNIT_OBJ_fuzz_power_view)

# agentctl top without its terminal.
TOP_PURE := $(addprefix $(OUT)/agent/cli/,top_act.o top_box.o top_columns.o top_draw.o top_model.o top_screen.o top_ui.o top_view.o)
UNIT_OBJ_test_top := $(TOP_PURE)
$(OUT)/unit/test_top: $(TOP_PURE)
UNIT_OBJ_fuzz_top := $(TOP_PURE)
$(OUT)/fuzz/fuzz_top: $(TOP_PURE)
UNIT_OBJ_test_progress := $(OUT)/agent/cli/progress.o
$(OUT)/unit/test_progress: $(UNIT_OBJ_test_progress)
UNIT_OBJ_test_hint := $(OUT)/agent/cli/hint.o
$(OUT)/unit/test_hint: $(UNIT_OBJ_test_hint)

# What Kubernetes is asked about boards that are taken out of use.
UNIT_OBJ_test_kube_drain := $(OUT)/agent/daemon/kube_drain.o
$(OUT)/unit/test_kube_drain: $(UNIT_OBJ_test_kube_drain)

# bramble-agent: what a board does that is to be switched off.
UNIT_OBJ_test_power := $(addprefix $(OUT)/agent/daemon/,power.o power_json.o api_shutdown.o)
$(OUT)/unit/test_power: $(UNIT_OBJ_test_power)

# bramble-agent: what the leader says of silent boards.
UNIT_OBJ_test_coordinator_alarms := $(OUT)/agent/daemon/coordinator_alarms.o
$(OUT)/unit/test_coordinator_alarms: $(UNIT_OBJ_test_coordinator_alarms)
