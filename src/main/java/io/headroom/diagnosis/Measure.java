package io.headroom.diagnosis;

import io.headroom.oom.Backend;
import io.headroom.oom.Field;
import io.headroom.oom.OutOfMemory;
import java.util.ArrayList;
import java.util.List;

/** What to look at next where the message leaves the cause open. */
final class Measure {
    private Measure() {}

    static List<String> next(OutOfMemory oom, Situation situation) {
        List<String> all = new ArrayList<>();
        boolean notebook = situation.kernel() != Situation.Kernel.SHELL;
        switch (oom.allocator()) {
            case CUDA, HIP, CUBLAS, CUDNN, NCCL -> {
                all.add("Who holds the card now: " + (isHip(oom) ? "rocm-smi --showpids" : "nvidia-smi") + ".");
                if (oom.size(Field.REQUESTED).isPresent()
                        && oom.size(Field.ALLOCATED).isEmpty()) {
                    all.add("The whole message: the part after \"Tried to allocate\" says who holds what.");
                }
            }
            case MPS -> all.add("Memory pressure and swap in Activity Monitor while it runs.");
            case XPU -> all.add("Who holds the card now: xpu-smi.");
            case OOM_KILLER, DATALOADER_SHM, CPU ->
                all.add(
                        "The machine's own record: dmesg | grep -i -E \"killed process|oom\"; free -h; df -h /dev/shm.");
            case JVM -> all.add("What fills it: jcmd <pid> GC.class_histogram, jcmd <pid> VM.native_memory.");
            default -> all.add("What the device holds: nvidia-smi.");
        }
        if (situation.readings().isEmpty()) {
            all.add(
                    notebook
                            ? "Whether it grows: memory(\"step …\") after each step; steady growth is a leak, a jump is a request."
                            : "Whether it grows from step to step: steady growth is a leak, a jump is a request.");
        }
        return all;
    }

    private static boolean isHip(OutOfMemory oom) {
        return oom.allocator() == Backend.HIP;
    }
}
