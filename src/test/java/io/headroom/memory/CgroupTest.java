package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CgroupTest {
    @TempDir
    Path root;

    private Path proc;
    private Path mount;

    @BeforeEach
    void directories() throws IOException {
        proc = Files.createDirectories(root.resolve("proc/self")).getParent();
        mount = Files.createDirectories(root.resolve("cgroup"));
    }

    @Test
    void version2CountsWithoutReclaimableCache() throws IOException {
        write("proc/self/cgroup", "0::/box\n");
        write("cgroup/box/memory.max", "8589934592\n");
        write("cgroup/box/memory.current", "3000000000\n");
        write("cgroup/box/memory.stat", "anon 1\ninactive_file 1000000000\n");
        Limit limit = Cgroup.limit(proc, mount).orElseThrow();
        assertThat(limit.bytes()).isEqualTo(8_589_934_592L);
        assertThat(limit.used()).hasValue(2_000_000_000L);
    }

    @Test
    void maxIsNoLimit() throws IOException {
        write("proc/self/cgroup", "0::/box\n");
        write("cgroup/box/memory.max", "max\n");
        assertThat(Cgroup.limit(proc, mount)).isEmpty();
    }

    @Test
    void aParentsTighterLimitCounts() throws IOException {
        write("proc/self/cgroup", "0::/pod/box\n");
        write("cgroup/pod/box/memory.max", "max\n");
        write("cgroup/pod/memory.max", "1000\n");
        write("cgroup/pod/memory.current", "400\n");
        assertThat(Cgroup.limit(proc, mount).orElseThrow().headroom()).hasValue(600);
    }

    @Test
    void version1ReadsTheMemoryController() throws IOException {
        write("proc/self/cgroup", "5:cpu:/other\n4:memory:/box\n0::/\n");
        write("cgroup/memory/box/memory.limit_in_bytes", "5000\n");
        write("cgroup/memory/box/memory.usage_in_bytes", "4000\n");
        write("cgroup/memory/box/memory.stat", "total_inactive_file 1500\n");
        assertThat(Cgroup.limit(proc, mount).orElseThrow().headroom()).hasValue(2_500);
    }

    @Test
    void version1sLargestNumberIsNoLimit() throws IOException {
        write("proc/self/cgroup", "4:memory:/\n");
        write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assertThat(Cgroup.limit(proc, mount)).isEmpty();
    }

    @Test
    void unreadableOrDamagedFilesAreNoLimit() throws IOException {
        assertThat(Cgroup.limit(proc, mount)).isEmpty();
        write("proc/self/cgroup", "rubbish\n0::/../../etc\n");
        write("cgroup/memory.max", "many\n");
        assertThat(Cgroup.limit(proc, mount)).isEmpty();
    }

    private void write(String path, String text) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }
}
