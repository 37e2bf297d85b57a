package io.headroom.memory;

import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;
import io.headroom.units.Bytes;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * NVIDIA's management library: memory of every device and of every process on it, without a CUDA context of our own.
 *
 * <p>Source: NVML API reference, {@code nvmlDeviceGetMemoryInfo}, {@code nvmlDeviceGetComputeRunningProcesses_v3}.
 */
final class Nvml {
    /** A figure the driver does not give: all ones (WSL), or anything no card can hold. */
    private static final long ABSURD = 1_000_000L * Bytes.GIB;

    private static final int OK = 0;
    private static final int NAME_LENGTH = 96;
    private static final int PROGRAM_LENGTH = 1024;
    private static final int PROCESS_SIZE = 24;
    private static final int MOST_PROCESSES = 256;

    private final Calls calls;
    private final long ownPid;

    Nvml(Calls calls, long ownPid) {
        this.calls = calls;
        this.ownPid = ownPid;
    }

    interface Calls extends Library {
        int nvmlInit_v2();

        int nvmlDeviceGetCount_v2(IntByReference count);

        int nvmlDeviceGetHandleByIndex_v2(int index, PointerByReference device);

        int nvmlDeviceGetName(Pointer device, byte[] name, int length);

        int nvmlDeviceGetMemoryInfo(Pointer device, Pointer memory);

        int nvmlDeviceGetComputeRunningProcesses_v3(Pointer device, IntByReference count, Pointer infos);

        int nvmlDeviceGetGraphicsRunningProcesses_v3(Pointer device, IntByReference count, Pointer infos);

        int nvmlSystemGetProcessName(int pid, byte[] name, int length);
    }

    /** The library, started; empty where it is not installed or refuses. */
    static Optional<Nvml> open() {
        if (Platform.isMac()) {
            return Optional.empty();
        }
        return open(Platform.isWindows() ? List.of("nvml") : List.of("libnvidia-ml.so.1", "nvidia-ml"));
    }

    static Optional<Nvml> open(List<String> libraries) {
        for (String name : libraries) {
            try {
                Calls calls = Native.load(name, Calls.class);
                if (calls.nvmlInit_v2() == OK) {
                    return Optional.of(new Nvml(calls, ProcessHandle.current().pid()));
                }
            } catch (LinkageError e) {
                continue;
            }
        }
        return Optional.empty();
    }

    List<DeviceMemory> devices() {
        IntByReference count = new IntByReference();
        List<DeviceMemory> found = new ArrayList<>();
        if (calls.nvmlDeviceGetCount_v2(count) != OK) {
            return found;
        }
        for (int i = 0; i < count.getValue(); i++) {
            PointerByReference device = new PointerByReference();
            if (calls.nvmlDeviceGetHandleByIndex_v2(i, device) == OK) {
                found.add(device(i, device.getValue()));
            }
        }
        return found;
    }

    private DeviceMemory device(int index, Pointer device) {
        byte[] text = new byte[NAME_LENGTH];
        String name = calls.nvmlDeviceGetName(device, text, text.length) == OK ? " " + string(text) : "";
        OptionalLong total = OptionalLong.empty();
        OptionalLong free = OptionalLong.empty();
        OptionalLong used = OptionalLong.empty();
        try (Memory memory = new Memory(3L * Long.BYTES)) {
            if (calls.nvmlDeviceGetMemoryInfo(device, memory) == OK) {
                total = known(memory.getLong(0));
                free = known(memory.getLong(Long.BYTES));
                used = known(memory.getLong(2L * Long.BYTES));
            }
        }
        Map<Long, OptionalLong> processes = processes(device);
        OptionalLong own = processes.getOrDefault(ownPid, OptionalLong.empty());
        processes.remove(ownPid);
        List<DeviceMemory.Occupant> others = new ArrayList<>();
        processes.forEach((pid, bytes) -> others.add(new DeviceMemory.Occupant(pid, program(pid), bytes)));
        return new DeviceMemory("GPU " + index + name, total, used, free, own, others, false);
    }

    private Map<Long, OptionalLong> processes(Pointer device) {
        Map<Long, OptionalLong> processes = new LinkedHashMap<>();
        try {
            list(device, calls::nvmlDeviceGetComputeRunningProcesses_v3, processes);
            list(device, calls::nvmlDeviceGetGraphicsRunningProcesses_v3, processes);
        } catch (UnsatisfiedLinkError e) {
            // a driver older than 510 has no _v3
            return processes;
        }
        return processes;
    }

    private interface Listing {
        int list(Pointer device, IntByReference count, Pointer infos);
    }

    private static void list(Pointer device, Listing listing, Map<Long, OptionalLong> into) {
        IntByReference count = new IntByReference(MOST_PROCESSES);
        try (Memory infos = new Memory((long) MOST_PROCESSES * PROCESS_SIZE)) {
            if (listing.list(device, count, infos) != OK) {
                return;
            }
            for (int i = 0; i < Math.min(count.getValue(), MOST_PROCESSES); i++) {
                long at = (long) i * PROCESS_SIZE;
                into.put(Integer.toUnsignedLong(infos.getInt(at)), known(infos.getLong(at + Long.BYTES)));
            }
        }
    }

    private String program(long pid) {
        byte[] text = new byte[PROGRAM_LENGTH];
        String path = calls.nvmlSystemGetProcessName((int) pid, text, text.length) == OK ? string(text) : "";
        String first = path.isEmpty() ? "" : path.split("\\s", 2)[0];
        return first.substring(Math.max(first.lastIndexOf('/'), first.lastIndexOf('\\')) + 1);
    }

    private static OptionalLong known(long bytes) {
        return bytes < 0 || bytes > ABSURD ? OptionalLong.empty() : OptionalLong.of(bytes);
    }

    private static String string(byte[] text) {
        int end = 0;
        while (end < text.length && text[end] != 0) {
            end++;
        }
        return new String(text, 0, end, StandardCharsets.UTF_8);
    }
}
