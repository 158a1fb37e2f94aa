/* Prints where CPython keeps what the observer reads, measured from this interpreter's own headers (3.11 to 3.13). */
#define Py_BUILD_CORE 1
#include <Python.h>
#include <stddef.h>
#include <stdio.h>
#include "opcode.h"
#include "internal/pycore_dict.h"
#include "internal/pycore_frame.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_runtime.h"

#define AT(name, type, member) printf("\"" name "\": %zu, ", offsetof(type, member))
typedef struct _PyInterpreterFrame Frame;

int main(void) {
  printf("{");
  AT("runtime_head", _PyRuntimeState, interpreters.head);
#if PY_VERSION_HEX >= 0x030D0000
  AT("interpreter_threads", PyInterpreterState, threads.head);
  AT("thread_frame", PyThreadState, current_frame);
  AT("frame_code", Frame, f_executable);
  AT("frame_instruction", Frame, instr_ptr);
  AT("frame_owner", Frame, owner);
  printf("\"thread_cframe\": -1, \"cframe_frame\": 0, \"entry_owner\": %d, ", FRAME_OWNED_BY_CSTACK);
#else
  AT("interpreter_threads", PyInterpreterState, threads.head);
  AT("thread_cframe", PyThreadState, cframe);
  AT("cframe_frame", _PyCFrame, current_frame);
  AT("frame_code", Frame, f_code);
  AT("frame_instruction", Frame, prev_instr);
#if PY_VERSION_HEX >= 0x030C0000
  AT("frame_owner", Frame, owner);
  printf("\"entry_owner\": %d, ", FRAME_OWNED_BY_CSTACK);
#else
  AT("frame_owner", Frame, is_entry);
  printf("\"entry_owner\": -1, ");
  /* What following an exception needs besides. */
  AT("first_thread", _PyRuntimeState, _main_interpreter._initial_thread);
  AT("signals", _PyRuntimeState, ceval.signals_pending);
  AT("exception", PyThreadState, curexc_type);
  AT("asynchronous", PyThreadState, async_exc);
  AT("recursion_limit", PyThreadState, recursion_limit);
  AT("trace_function", PyThreadState, c_tracefunc);
  AT("profile_function", PyThreadState, c_profilefunc);
  AT("frame_object", Frame, frame_obj);
  AT("type_base", PyTypeObject, tp_base);
  AT("type_flags", PyTypeObject, tp_flags);
  AT("type_members", PyTypeObject, tp_dict);
  AT("type_qualified", PyHeapTypeObject, ht_qualname);
  AT("dict_keys", PyDictObject, ma_keys);
  AT("keys_index_bits", PyDictKeysObject, dk_log2_index_bytes);
  AT("keys_kind", PyDictKeysObject, dk_kind);
  AT("keys_count", PyDictKeysObject, dk_nentries);
  AT("keys_start", PyDictKeysObject, dk_indices);
  printf("\"op_raise\": %d, \"op_reraise\": %d, ", RAISE_VARARGS, RERAISE);
#endif
#endif
  AT("frame_previous", Frame, previous);
  AT("thread_next", PyThreadState, next);
  AT("thread_native", PyThreadState, native_thread_id);
  AT("code_first_line", PyCodeObject, co_firstlineno);
  AT("code_file", PyCodeObject, co_filename);
  AT("code_name", PyCodeObject, co_qualname);
  AT("code_lines", PyCodeObject, co_linetable);
  AT("code_names", PyCodeObject, co_names);
  AT("code_constants", PyCodeObject, co_consts);
  AT("code_exceptions", PyCodeObject, co_exceptiontable);
  AT("code_flags", PyCodeObject, co_flags);
  AT("code_arguments", PyCodeObject, co_argcount);
  AT("code_positional", PyCodeObject, co_posonlyargcount);
  AT("code_keywords", PyCodeObject, co_kwonlyargcount);
  AT("type", PyObject, ob_type);
  AT("type_name", PyTypeObject, tp_name);
  AT("tuple_start", PyTupleObject, ob_item);
  AT("float_value", PyFloatObject, ob_fval);
  AT("complex_value", PyComplexObject, cval);
  AT("set_mask", PySetObject, mask);
  AT("set_table", PySetObject, table);
#if PY_VERSION_HEX >= 0x030C0000
  AT("number_tag", PyLongObject, long_value.lv_tag);
  AT("number_digits", PyLongObject, long_value.ob_digit);
#else
  printf("\"number_tag\": -1, ");
  AT("number_digits", PyLongObject, ob_digit);
#endif
  AT("code_start", PyCodeObject, co_code_adaptive);
  AT("size", PyVarObject, ob_size);
  AT("bytes_start", PyBytesObject, ob_sval);
  AT("text_length", PyASCIIObject, length);
  AT("text_state", PyASCIIObject, state);
  printf("\"ascii_start\": %zu, \"text_start\": %zu, ", sizeof(PyASCIIObject), sizeof(PyCompactUnicodeObject));
  printf("\"version\": %d}\n", (int)(PY_VERSION_HEX >> 16));
  return 0;
}
