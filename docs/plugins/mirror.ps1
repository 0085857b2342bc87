# A Strongroom plugin for Windows: copies a folder by robocopy, and proves it by SHA-256.
# For Windows PowerShell 5.1 and PowerShell 7. Start it by its full path:
#   argv = ["powershell.exe", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File", "C:\\plugins\\mirror.ps1"]
$ErrorActionPreference = 'Stop'

# UTF-8 without a byte order mark, whatever the console's code page is; `>` and Write-Output would write otherwise.
$utf8 = New-Object System.Text.UTF8Encoding($false)
$reader = New-Object System.IO.StreamReader([Console]::OpenStandardInput(), $utf8)
$writer = New-Object System.IO.StreamWriter([Console]::OpenStandardOutput(), $utf8)
$writer.NewLine = "`n"
$writer.AutoFlush = $true

function Say([hashtable] $message) {
    $writer.WriteLine((ConvertTo-Json -InputObject $message -Depth 10 -Compress))
}

function Get-Problems($config) {
    foreach ($key in 'source', 'target') {
        $value = if ($config -is [psobject]) { $config.$key } else { $null }
        if ($value -isnot [string]) {
            @{ pointer = "/$key"; message = "$key is not a path."; next_step = "give a folder for $key" }
        }
    }
}

function Get-RelativeFiles([string] $root) {
    $prefix = (Resolve-Path -LiteralPath $root).ProviderPath.TrimEnd('\').Length + 1
    Get-ChildItem -LiteralPath $root -Recurse -File -Force | ForEach-Object { $_.FullName.Substring($prefix) }
}

function Invoke-Copy([string] $source, [string] $target, [string] $workdir, [bool] $onlyPlan) {
    $log = Join-Path $workdir 'robocopy.log'
    # A trailing backslash before a closing quote would be read as an escaped quote.
    $words = @($source.TrimEnd('\'), $target.TrimEnd('\'), '/E', '/COPY:DAT', '/DCOPY:DAT', '/XJ', '/R:2', '/W:5')
    $words += @('/BYTES', '/FP', '/NP', '/NDL', "/UNILOG:$log")
    if ($onlyPlan) { $words += '/L' }
    & robocopy.exe @words *> $null
    $code = $LASTEXITCODE
    $tool = @{ name = 'robocopy'; exit_code = $code }
    # After the last dashed line: folders, files, bytes, each with total, copied, skipped, mismatched, failed, extras.
    # Columns are found by their place; the words before them are in the language of Windows.
    $rows = @(Get-Content -LiteralPath $log -Encoding Unicode |
        Select-String -Pattern ':\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*$')
    if ($code -ge 16 -or $code -lt 0 -or $rows.Count -lt 3) {
        return @{ type = 'result'; outcome = 'failed'; cause = 'tool-failed'; retry = 'later'; tool = $tool
            sentence = "Robocopy did not finish: it ended with code $code." }
    }
    $files = $rows[$rows.Count - 2].Matches[0].Groups
    $bytes = $rows[$rows.Count - 1].Matches[0].Groups
    $counts = @{
        seen = [long] $files[1].Value; copied = [long] $files[2].Value; skipped = [long] $files[3].Value
        mismatched = [long] $files[4].Value; failed = [long] $files[5].Value; extra = [long] $files[6].Value
    }
    $result = @{ type = 'result'; counts = $counts; bytes = [long] $bytes[2].Value; tool = $tool }
    # The exit code is a bitmap: 1 copied, 2 extras, 4 mismatched, 8 failed.
    if ($code -band 12) {
        $result.outcome = 'partial'
        $result.sentence = "$($counts.failed + $counts.mismatched) files could not be copied."
    } elseif ($counts.copied -eq 0) {
        $result.outcome = 'nothing'
        $result.sentence = "All $($counts.seen) files are in the target already."
    } else {
        $result.outcome = 'done'
        $result.sentence = "$($counts.copied) files copied."
    }
    $result
}

function Test-Copy([string] $source, [string] $target) {
    $counts = @{ seen = 0; proven = 0; failed = 0 }
    $total = 0L
    foreach ($path in Get-RelativeFiles $source) {
        $counts.seen++
        $here = Join-Path $source $path
        $there = Join-Path $target $path
        try {
            $same = (Get-FileHash -LiteralPath $here -Algorithm SHA256).Hash -eq
                (Get-FileHash -LiteralPath $there -Algorithm SHA256).Hash
            $item = @{ type = 'item'; path = $path; outcome = 'differs'; message = 'The copy has other bytes.' }
        } catch {
            $same = $false
            $item = @{ type = 'item'; path = $path; outcome = 'failed'; message = $_.Exception.Message }
        }
        if ($same) {
            $counts.proven++
            $total += (Get-Item -LiteralPath $there -Force).Length
        } else {
            $counts.failed++
            Say $item
        }
        if ($counts.seen % 100 -eq 0) { Say @{ type = 'progress'; files = $counts.seen; bytes = $total } }
    }
    if ($counts.failed) {
        return @{ type = 'result'; outcome = 'failed'; cause = 'proof-failed'; retry = 'never'; counts = $counts
            sentence = "$($counts.failed) files of the copy are missing, differ or cannot be read." }
    }
    @{ type = 'result'; outcome = 'done'; counts = $counts; bytes = $total
        sentence = "$($counts.proven) files of the copy have the source's bytes."
        evidence = @{ method = 'sha256'; read_back = 'cached'; files = $counts.proven; bytes = $total } }
}

function Get-Answer($ask) {
    if ($ask.op -eq 'describe') {
        $path = @{ type = 'string' }
        $schema = @{ type = 'object'; required = @('source', 'target'); properties = @{ source = $path; target = $path } }
        $describe = @{ operations = @('describe', 'validate', 'plan', 'run', 'verify'); config = $schema
            platforms = @('windows'); examples = @(@{ source = '{source}'; target = '{target}' }) }
        return @{ type = 'result'; outcome = 'done'; sentence = 'Copies a folder by robocopy.'; describe = $describe }
    }
    $problems = @(Get-Problems $ask.config)
    if ($problems.Count) {
        return @{ type = 'result'; outcome = 'failed'; cause = 'config-invalid'; problems = $problems
            sentence = $problems[0].message }
    }
    if ($ask.op -eq 'validate') {
        return @{ type = 'result'; outcome = 'done'; sentence = 'The configuration is valid.' }
    }
    if (-not (Test-Path -LiteralPath $ask.config.source -PathType Container)) {
        return @{ type = 'result'; outcome = 'failed'; cause = 'source-missing'; retry = 'later'
            sentence = 'The source folder is not there.' }
    }
    if (-not (Test-Path -LiteralPath $ask.config.target -PathType Container)) {
        return @{ type = 'result'; outcome = 'obstructed'; cause = 'target-missing'
            sentence = 'The target folder is not there.' }
    }
    if ($ask.op -eq 'verify') { return Test-Copy $ask.config.source $ask.config.target }
    Invoke-Copy $ask.config.source $ask.config.target $ask.workdir ($ask.op -eq 'plan')
}

$ask = ConvertFrom-Json -InputObject $reader.ReadLine()
if (@($ask.protocol) -notcontains 1) {
    Say @{ type = 'unsupported'; protocol = @(1) }
    exit 0
}
Say @{ type = 'hello'; protocol = 1; name = 'mirror'; version = '0.1.0' }
if (@('describe', 'validate', 'plan', 'run', 'verify') -notcontains $ask.op) {
    Say @{ type = 'unsupported' }
    exit 0
}
try {
    $answer = Get-Answer $ask
} catch {
    [Console]::Error.WriteLine($_)
    $answer = @{ type = 'result'; outcome = 'failed'; cause = 'plugin-error'; retry = 'later'
        sentence = $_.Exception.Message }
}
Say $answer
exit 0
