// The extension module behind the Python package: `gatelab/__init__.py` is what users see.
#include "bindings/errors.h"
#include "bindings/register_sim.h"
#include "bindings/register_topologies.h"

PYBIND11_MODULE(_gatelab, module) {
    module.attr("__version__") = GATELAB_VERSION;
    gatelab::bindings::register_base(module);
    gatelab::bindings::register_topologies(module);
    gatelab::bindings::register_sim(module);
}
