# The gateway without its main().
UNIT_OBJ_test_gateway_functions := $(filter-out %/main.o,$(GATEWAY_OBJ))
$(OUT)/unit/test_gateway_functions: $(UNIT_OBJ_test_gateway_functions)
