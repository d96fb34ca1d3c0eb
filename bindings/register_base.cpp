#include "bindings/errors.h"

namespace gatelab::bindings {
namespace {

namespace py = pybind11;

const char* name_of(Fault fault) {
    switch (fault) {
        case Fault::Malformed: return "malformed";
        case Fault::Truncated: return "truncated";
        case Fault::Unsupported: return "unsupported";
        case Fault::Unauthentic: return "unauthentic";
        case Fault::Refused: return "refused";
        case Fault::NotFound: return "not-found";
        case Fault::Unavailable: return "unavailable";
        case Fault::Io: return "io";
    }
    return "unknown";
}

}  // namespace

void register_base(py::module_& module) {
    // The exception type lives as long as the interpreter: modules of this kind are never unloaded.
    static PyObject* type = nullptr;
    type = PyErr_NewExceptionWithDoc("gatelab.GatelabError",
                                     "What went wrong, as the gatelab command says it. `fault` names the kind.",
                                     nullptr, nullptr);
    module.add_object("GatelabError", py::reinterpret_borrow<py::object>(type));
    py::register_exception_translator([](std::exception_ptr thrown) {
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (const Raised& raised) {
            auto instance = py::reinterpret_borrow<py::object>(type)(raised.what());
            instance.attr("fault") = name_of(raised.error().fault);
            PyErr_SetObject(type, instance.ptr());
        }
    });
}

}  // namespace gatelab::bindings
