package io.headroom.oom;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Of several failures the first that failed comes first: a cause before what it caused, an earlier trace before a later. */
class FirstFailureTest {
    private static final String CUDA =
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a"
                    + " total capacity of 23.65 GiB of which 1.31 GiB is free.\n";
    private static final String HEAP = "java.lang.OutOfMemoryError: Java heap space\n\tat a.B.grow(B.java:9)\n";
    private static final String OUTER = "java.lang.RuntimeException: step failed\n\tat a.B.step(B.java:3)\n";
    private static final String DIRECT =
            "java.lang.OutOfMemoryError: Cannot reserve 4096 bytes of direct buffer memory (allocated: 1000, limit: 2000)\n"
                    + "\tat java.nio.Bits.reserve(Bits.java:1)\n";

    @Test
    void aCauseOfALaterExceptionDoesNotGoBeforeAnEarlierFailure() {
        assertThat(wordings(CUDA + "INFO saving\n" + OUTER + "Caused by: " + HEAP))
                .containsExactly(Wording.CAPACITY, Wording.JAVA_HEAP);
        assertThat(wordings(DIRECT + "INFO next epoch\n" + OUTER + "Caused by: " + HEAP))
                .containsExactly(Wording.DIRECT_BUFFER, Wording.JAVA_HEAP);
    }

    @Test
    void aCauseGoesBeforeWhatItCaused() {
        assertThat(wordings(DIRECT + "\t... 12 more\nCaused by: " + HEAP))
                .containsExactly(Wording.JAVA_HEAP, Wording.DIRECT_BUFFER);
        assertThat(wordings("INFO start\n" + OUTER + "Caused by: " + DIRECT + "Caused by: " + HEAP))
                .containsExactly(Wording.JAVA_HEAP, Wording.DIRECT_BUFFER);
    }

    @Test
    void aMessageOfManyLinesIsOneLinkOfTheChain() {
        String script =
                "ai.djl.engine.EngineException: The following operation failed in the TorchScript interpreter.\n"
                        + "Traceback of TorchScript (most recent call last):\n  File \"code/net.py\", line 12, in forward\n"
                        + "RuntimeError: CUDA out of memory. Tried to allocate 2.37 GiB\n\tat ai.djl.pytorch.jni.run(J.java:1)\n";

        assertThat(wordings(script + "Caused by: " + HEAP)).containsExactly(Wording.JAVA_HEAP, Wording.HEADLINE);
    }

    @Test
    void aLogReadAsAStreamKeepsTheOrder() throws IOException {
        String log = CUDA + "INFO step\n".repeat(400_000) + OUTER + "Caused by: " + HEAP;
        Log read = Log.read(new ByteArrayInputStream(log.getBytes(StandardCharsets.US_ASCII)));

        assertThat(read.failures())
                .extracting(OutOfMemory::wording)
                .containsExactly(Wording.CAPACITY, Wording.JAVA_HEAP);
    }

    @Test
    void oneKillOfTheKernelIsOneFailureAndTheConstraintSaysWhose() {
        String kill = kill("CONSTRAINT_MEMCG", "Memory cgroup out of memory", 2817);

        assertThat(wordings(kill)).containsExactly(Wording.CGROUP_KILL);
        assertThat(OutOfMemory.read(kill).orElseThrow().excerpt())
                .contains("total-vm:21500000kB", "anon-rss:4100000kB");
        assertThat(wordings(kill("CONSTRAINT_NONE", "Out of memory", 12))).containsExactly(Wording.KERNEL_KILL);
        assertThat(wordings(kill + kill("CONSTRAINT_NONE", "Out of memory", 12)))
                .containsExactly(Wording.CGROUP_KILL, Wording.KERNEL_KILL);
        assertThat(wordings(kill + kill("CONSTRAINT_MEMCG", "Memory cgroup out of memory", 12)))
                .containsExactly(Wording.CGROUP_KILL, Wording.CGROUP_KILL);
        assertThat(wordings("Memory cgroup out of memory: Kill process 26 (java) score 1 or sacrifice child\n"
                        + "Killed process 26 (java) total-vm:900kB, anon-rss:800kB, file-rss:0kB\n"))
                .containsExactly(Wording.CGROUP_KILL);
    }

    private static String kill(String constraint, String whose, int pid) {
        return "[12.0] java invoked oom-killer: gfp_mask=0x0, order=0, oom_score_adj=0\n"
                + "[12.0] CPU: 1 PID: 77 Comm: java Not tainted\n".repeat(20) + "[12.1] oom-kill:constraint="
                + constraint
                + ",nodemask=(null),cpuset=abc,task=java,pid=" + pid + ",uid=0\n[12.2] " + whose + ": Killed process "
                + pid
                + " (java) total-vm:21500000kB, anon-rss:4100000kB, file-rss:0kB, shmem-rss:0kB, UID:0\n"
                + "[12.3] oom_reaper: reaped process " + pid + " (java), now anon-rss:0kB\n";
    }

    private static List<Wording> wordings(String text) {
        return Log.read(text).failures().stream().map(OutOfMemory::wording).toList();
    }
}
