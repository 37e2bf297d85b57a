package io.headroom.oom;

import java.util.List;

/** What people paste as "out of memory" and is not, with a line on what it is. */
final class NearMissForms {
    private NearMissForms() {}

    private static final String SHAPES =
            "Two tensors' shapes do not fit each other: a bug in the model or its input, no lack of memory.";

    static final List<Form> ALL = List.of(
            Form.of(
                    "device-sideassert",
                    region -> region.isNear("enable", 6, 0)
                            ? null
                            : region.notThis(
                                    "A device-side assert: an index or label is out of range. Run once on the CPU to"
                                            + " see which.")),
            Form.notThis(
                    "illegalmemoryaccess",
                    "A kernel read or wrote outside its memory: a bug in an operator or an index, no lack of memory."),
            Form.notThis("misalignedaddress", "A kernel used a misaligned address: a bug in an operator."),
            Form.notThis("unspecifiedlaunchfailure", "A kernel crashed on the device: a bug in an operator."),
            Form.notThis("driverversionisinsufficient", "The GPU driver is older than the CUDA runtime needs."),
            Form.notThis("invaliddeviceordinal", "The GPU asked for does not exist here: check the device's index."),
            Form.notThis("nokernelimageisavailable", "This build has no code for this GPU's architecture."),
            Form.notThis("toomanyresourcesrequested", "A kernel asks for more registers or threads than the GPU has."),
            Form.notThis("cudaerror:invalid", "A CUDA call was given a wrong argument."),
            Form.notThis("cudaerror:initializationerror", "CUDA could not be initialised in this process."),
            Form.notThis("cudaerror:all", "The GPUs are busy or unavailable to this process."),
            Form.notThis("cannotbemultiplied", SHAPES),
            Form.notThis("isinvalidforinputofsize", SHAPES),
            Form.notThis("mustmatchthesizeoftensor", SHAPES),
            Form.notThis("sizesoftensorsmustmatch", SHAPES),
            Form.notThis("sizemismatch", SHAPES),
            Form.notThis(
                    "sizecalculationoverflowed",
                    "The sizes multiply to more than a 64-bit number can hold: a wrong shape; nothing was allocated."),
            Form.notThis(
                    "largerthancurrentlysupportedbythemps",
                    "The Metal backend's index range: the result has too many elements, whatever the memory."),
            Form.notThis(
                    "totalbytesofndarray232",
                    "The Metal backend's limit of 4 GiB for one array, whatever the memory: a smaller batch, image or sequence."),
            Form.notThis(
                    "productofdimensionsizes231",
                    "The Metal backend's index range: the result has too many elements, whatever the memory."),
            Form.notThis(
                    "ndarraydimensionlengthint_max",
                    "The Metal backend's index range: one dimension is too long, whatever the memory."),
            Form.notThis(
                    "bufferisnotlargeenough.mustbe",
                    "An operator on Metal was handed a buffer smaller than its shape says: a bug in PyTorch's MPS backend,"
                            + " mended in many places since 1.12, no lack of memory."),
            Form.notThis(
                    "placeholderstoragehasnotbeenallocated",
                    "A tensor is on the CPU and the model on the GPU: move both."),
            Form.notThis(
                    "expectedalltensorstobeonthesamedevice", "Tensors are on different devices: move them to one."),
            Form.notThis(
                    "supportqueryingtheavailablefreememory",
                    "This device cannot say how much memory is free; nothing ran out."),
            Form.notThis("invalidlowwatermarkratio", "The high watermark ratio was set below the low one: set both."),
            Form.notThis("invalidhighwatermarkratio", "The watermark ratio is outside 0 – 2."),
            Form.notThis(
                    "stackoverflowerror",
                    "The thread's stack is full, usually endless recursion; the heap has nothing to do with it."),
            Form.notThis("maximumrecursiondepth", "Python's recursion limit: endless recursion, no lack of memory."),
            Form.notThis(
                    "toomanyopenfiles",
                    "Too many open files: raise the limit or use the file_system sharing strategy."),
            Form.notThis(
                    "nativeresourcehasbeenreleased",
                    "An NDArray or model was used after it was closed: often a fix for memory that closed too much."),
            Form.notThis("ndmanageriscapped", "An NDManager refuses new arrays because cap() was called on it."),
            Form.notThis("ndmanagerhasbeenclosed", "An NDManager was used after it was closed."),
            Form.of(
                    "segmentationfault",
                    region -> region.lead(40).contains("couldbecausedbya")
                            ? null
                            : region.notThis("The process crashed on a wrong address: a bug in native code.")),
            Form.notThis("workersare{sigsegv(-11)", "A worker crashed on a wrong address: a bug in native code."),
            Form.notThis("signal11(sigsegv", "The process crashed on a wrong address: a bug in native code."),
            Form.notThis("sigsegv(0xb)", "The JVM crashed on a wrong address: a bug in native code."),
            Form.notThis(
                    "],thread:[",
                    "A device-side assertion: an index or label is out of range. Run once on the CPU to see which."),
            Form.notThis(
                    "outofresource:sharedmemory",
                    "A kernel asks for more on-chip shared memory than the GPU has: smaller blocks or fewer stages, no lack"
                            + " of device memory."),
            Form.notThis("gpuislost", "The GPU stopped answering: a fault of hardware, power or driver."),
            Form.notThis("fallenoffthebus", "The GPU stopped answering: a fault of hardware, power or driver."),
            Form.notThis("error_device_lost", "The GPU stopped answering: a fault of hardware, power or driver."),
            Form.of(
                    "nospaceleftondevice",
                    region -> isSharedMemory(region)
                            ? region.as(Backend.DATALOADER_SHM, Wording.SHM)
                            : region.notThis("The disk is full, not the memory.")),
            Form.notThis(
                    "cannotallocatememoryinstatictlsblock",
                    "A library was loaded too late for the loader's own small block (thread-local storage): import it first,"
                            + " or preload it; no lack of memory."),
            Form.notThis(
                    "triedtoallocatetoomanymemoryregions",
                    "OpenBLAS was built for fewer threads than call it: OPENBLAS_NUM_THREADS; no lack of memory."),
            Form.notThis("diskquotaexceeded", "The disk quota is used up, not the memory."),
            Form.notThis("storagefull", "The disk is full, not the memory."),
            Form.notThis("pytorchstreamwriterfailed", "A file could not be written, usually for a full disk."),
            Form.notThis("driveronyoursystemistooold", "The GPU driver is older than the CUDA runtime needs."),
            Form.notThis("cuda_error_launch_failed", "A kernel crashed on the device: a bug in an operator."),
            Form.notThis("cuda_error_invalid_value", "A CUDA call was given a wrong argument."),
            Form.notThis(
                    "cuda_error_illegal_address", "A kernel read or wrote outside its memory: a bug in an operator."),
            Form.notThis("watchdogcaughtcollectiveoperationtimeout", "NCCL waited too long for another process."),
            Form.notThis(
                    "javascriptheapoutofmemory",
                    "Node's heap is full, as when JupyterLab is built: NODE_OPTIONS=--max-old-space-size; not this"
                            + " process's memory."));

    /** /dev/shm is memory, whatever the system calls it. */
    private static boolean isSharedMemory(Region region) {
        return region.source.lineBefore(region.start).contains("/dev/shm")
                || region.restOfLine().contains("/dev/shm");
    }

    /** Whether one of these follows within a line, and names the fault better than an error code. */
    static boolean isNamed(Region region) {
        int reach = Math.min(region.text.length(), region.bodyStart + 300);
        String near = region.text.substring(region.bodyStart, reach);
        return ALL.stream().anyMatch(form -> near.contains(form.literal()));
    }
}
