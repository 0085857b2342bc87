<#
.SYNOPSIS
    Collects the definitions and the states of this computer's scheduled tasks into a new folder.

.DESCRIPTION
    Writes each task's definition as the Task Scheduler gives it (UTF-16 with a byte order mark), in the tree of the
    scheduler's own folders, and last of all manifest.json (UTF-8): states, times, results, security descriptors, the
    files that actions name, the computer's time zone, and what could not be read. Small scripts that actions name are
    copied. Nothing on the computer is changed.

    Runs in Windows PowerShell 5.1 and in PowerShell 7. Run it as an administrator: other accounts see only the tasks that
    they may read, without a word, and the collection is marked as partial.

    Exit codes: 0 complete; 3 partial; 1 nothing usable was written.

.PARAMETER Out
    The folder to write, which must not exist or must be empty.

.PARAMETER Folder
    The scheduler's folder to begin with; all of them by default.

.PARAMETER NoScripts
    Copies no scripts. They may hold passwords; so may arguments, which are part of every definition.

.PARAMETER MaxScriptBytes
    The largest script that is copied.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Out,
    [string] $Folder = '\',
    [switch] $NoScripts,
    [long] $MaxScriptBytes = 1048576
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

# The largest file that is read for its digest.
$MaxHashBytes = 67108864
$ScriptTypes = @('.ps1', '.psm1', '.bat', '.cmd', '.vbs', '.js', '.py', '.r', '.sql', '.xml', '.config', '.ini', '.json')
$StateNames = @('unknown', 'disabled', 'queued', 'ready', 'running')

$script:Tasks = New-Object System.Collections.ArrayList
$script:Folders = New-Object System.Collections.ArrayList
$script:Failures = New-Object System.Collections.ArrayList
$script:Names = @{}
$script:Sids = @{}

function Add-Failure([string] $Path, $Record) {
    $problem = $Record.Exception
    while ($null -ne $problem.InnerException) { $problem = $problem.InnerException }
    [void] $script:Failures.Add(@{ path = $Path; hresult = [long] $problem.HResult; message = [string] $problem.Message })
}

function Get-Digest([byte[]] $Bytes) {
    $algorithm = [System.Security.Cryptography.SHA256]::Create()
    try { return ([System.BitConverter]::ToString($algorithm.ComputeHash($Bytes)) -replace '-', '').ToLowerInvariant() }
    finally { $algorithm.Dispose() }
}

# The scheduler gives local time; dates that stand for "never" differ between its versions.
function ConvertTo-Instant($Local) {
    if ($null -eq $Local) { return $null }
    $time = [datetime] $Local
    $day = $time.ToString('yyyy-MM-dd', [System.Globalization.CultureInfo]::InvariantCulture)
    if ($time.Year -lt 1990 -or $day -eq '1999-11-30') { return 'never' }
    $utc = [datetime]::SpecifyKind($time, [System.DateTimeKind]::Local).ToUniversalTime()
    return $utc.ToString('yyyy-MM-ddTHH:mm:ssZ', [System.Globalization.CultureInfo]::InvariantCulture)
}

# Names of tasks may end in dots or blanks, be names of devices, or be longer than a file's may be.
function ConvertTo-FileName([string] $Name) {
    $escaped = New-Object System.Text.StringBuilder
    foreach ($character in $Name.ToCharArray()) {
        if ('%<>:"/\|?*'.IndexOf($character) -ge 0 -or [int] $character -lt 32) {
            [void] $escaped.Append('%' + ([int] $character).ToString('X2'))
        }
        else { [void] $escaped.Append($character) }
    }
    $file = $escaped.ToString()
    if ($file -match '[. ]$') { $file = $file + '%' }
    if ($file -match '^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)') { $file = '%' + $file }
    if ($file.Length -gt 80) {
        $digest = Get-Digest ([System.Text.Encoding]::UTF8.GetBytes($Name))
        $file = $file.Substring(0, 60).TrimEnd('.', ' ') + '%' + $digest.Substring(0, 16)
    }
    return $file
}

# Only what is the same for every account is filled in.
function Expand-Known([string] $Text) {
    foreach ($name in @('SystemRoot', 'windir', 'SystemDrive', 'ProgramData', 'ProgramFiles', 'ProgramFiles(x86)')) {
        $value = [System.Environment]::GetEnvironmentVariable($name)
        if ($value) { $Text = $Text -replace [regex]::Escape('%' + $name + '%'), $value.Replace('$', '$$') }
    }
    return $Text
}

function Get-NamedFiles([string] $Command, [string] $Arguments, [string] $Directory) {
    $found = New-Object System.Collections.ArrayList
    $program = (Expand-Known $Command).Trim().Trim('"')
    if ($program -match '[\\/]') { [void] $found.Add($program) }
    $pattern = '"([^"]+\.(?:ps1|bat|cmd|vbs|js|py|exe|jar|r|sql|xml|config|ini|json))"|([^\s"'']+\.(?:ps1|bat|cmd|vbs|js|py|exe|jar|r|sql|xml|config|ini|json))(?=["''\s]|$)'
    $match = [regex]::Match((Expand-Known $Arguments), $pattern, 'IgnoreCase')
    if ($match.Success) {
        $path = $match.Groups[1].Value + $match.Groups[2].Value
        $rooted = $path -match '^([A-Za-z]:|[\\/])'
        if (-not $rooted -and $Directory) { $path = (Expand-Known $Directory).Trim().Trim('"').TrimEnd('\') + '\' + $path }
        [void] $found.Add($path)
    }
    return @($found | Select-Object -Unique)
}

function Get-FileFacts([string] $Path) {
    $facts = @{ path = $Path; exists = $null; size_bytes = $null; modified = $null; sha256 = $null; copy = $null }
    # A name without a folder is looked for at run time, a variable depends on the account.
    if ($Path -notmatch '^([A-Za-z]:\\|\\\\)' -or $Path -match '%') { return $facts }
    try {
        $facts.exists = [System.IO.File]::Exists($Path)
        if (-not $facts.exists) { return $facts }
        $info = New-Object System.IO.FileInfo $Path
        $facts.size_bytes = $info.Length
        $facts.modified = $info.LastWriteTimeUtc.ToString('yyyy-MM-ddTHH:mm:ssZ', [System.Globalization.CultureInfo]::InvariantCulture)
        if ($info.Length -gt $MaxHashBytes) { return $facts }
        $bytes = [System.IO.File]::ReadAllBytes($Path)
        $facts.sha256 = Get-Digest $bytes
        $type = $info.Extension.ToLowerInvariant()
        if (-not $NoScripts -and $info.Length -le $MaxScriptBytes -and $ScriptTypes -contains $type) {
            $copy = 'scripts/' + $facts.sha256 + $type
            $target = [System.IO.Path]::Combine($Out, 'scripts')
            [void] [System.IO.Directory]::CreateDirectory($target)
            [System.IO.File]::WriteAllBytes([System.IO.Path]::Combine($target, $facts.sha256 + $type), $bytes)
            $facts.copy = $copy
        }
    }
    catch { Add-Failure $Path $_ }
    return $facts
}

function Get-TaskFiles([string] $Xml) {
    $files = New-Object System.Collections.ArrayList
    try {
        $document = New-Object System.Xml.XmlDocument
        $document.XmlResolver = $null
        $document.LoadXml($Xml)
        foreach ($exec in @($document.GetElementsByTagName('Exec'))) {
            $text = @{ Command = ''; Arguments = ''; WorkingDirectory = '' }
            foreach ($child in $exec.ChildNodes) { if ($text.ContainsKey($child.LocalName)) { $text[$child.LocalName] = $child.InnerText } }
            foreach ($path in @(Get-NamedFiles $text.Command $text.Arguments $text.WorkingDirectory)) {
                [void] $files.Add((Get-FileFacts $path))
            }
        }
    }
    catch { Add-Failure '(actions)' $_ }
    return $files.ToArray()
}

function Save-Task($Task, [string] $Directory) {
    $xml = $Task.Xml
    foreach ($match in [regex]::Matches($xml, 'S-1-5-21(-[0-9]+){2,14}')) { $script:Sids[$match.Value] = $true }
    $relative = ($Directory + '/' + (ConvertTo-FileName $Task.Name) + '.xml').TrimStart('/')
    # Names that differ in case only would be one file.
    if ($script:Names.ContainsKey($relative.ToLowerInvariant())) { $relative = $relative -replace '\.xml$', ('%' + $script:Names.Count + '.xml') }
    $script:Names[$relative.ToLowerInvariant()] = $true
    $target = [System.IO.Path]::Combine($Out, $relative.Replace('/', '\'))
    [void] [System.IO.Directory]::CreateDirectory([System.IO.Path]::GetDirectoryName($target))
    [System.IO.File]::WriteAllText($target, $xml, [System.Text.Encoding]::Unicode)
    $listed = @{
        path = [string] $Task.Path; file = $relative; sha256 = (Get-Digest ([System.IO.File]::ReadAllBytes($target)))
        state = $StateNames[[int] $Task.State]; last_run = $null; last_result = $null; next_run = $null; missed_runs = $null
        sddl = $null; files = @(Get-TaskFiles $xml)
    }
    try { $listed.last_run = ConvertTo-Instant $Task.LastRunTime } catch { Add-Failure $Task.Path $_ }
    try { $listed.last_result = [long] $Task.LastTaskResult } catch { Add-Failure $Task.Path $_ }
    try { $listed.missed_runs = [int] $Task.NumberOfMissedRuns } catch { Add-Failure $Task.Path $_ }
    try { $next = ConvertTo-Instant $Task.NextRunTime; if ($next -ne 'never') { $listed.next_run = $next } } catch { Add-Failure $Task.Path $_ }
    try { $listed.sddl = [string] $Task.GetSecurityDescriptor(7) } catch { Add-Failure $Task.Path $_ }
    [void] $script:Tasks.Add($listed)
}

# Each task and each folder by itself: one that is damaged must not hide the others.
function Save-Folder($Current, [string] $Directory) {
    $facts = @{ path = [string] $Current.Path; sddl = $null }
    try { $facts.sddl = [string] $Current.GetSecurityDescriptor(7) } catch { Add-Failure $Current.Path $_ }
    [void] $script:Folders.Add($facts)
    try {
        # 1: hidden tasks, too.
        $tasks = $Current.GetTasks(1)
        for ($index = 1; $index -le $tasks.Count; $index++) {
            $path = $Current.Path + ' #' + $index
            try {
                $task = $tasks.Item($index)
                $path = $task.Path
                Save-Task $task $Directory
            }
            catch { Add-Failure $path $_ }
        }
    }
    catch { Add-Failure $Current.Path $_ }
    try {
        foreach ($child in @($Current.GetFolders(0))) { Save-Folder $child ($Directory + '/' + (ConvertTo-FileName $child.Name)) }
    }
    catch { Add-Failure $Current.Path $_ }
}

# POSIX writes offsets west of Greenwich as positive.
function ConvertTo-PosixOffset([timespan] $Offset) {
    $west = $Offset.Negate()
    $sign = ''
    if ($west.Ticks -lt 0) { $sign = '-' }
    $west = $west.Duration()
    return $sign + [int] [math]::Floor($west.TotalHours) + ':' + $west.Minutes.ToString('00')
}

function ConvertTo-PosixChange($Change) {
    if ($Change.IsFixedDateRule) { return $null }
    $time = $Change.TimeOfDay.ToString('HH:mm:ss', [System.Globalization.CultureInfo]::InvariantCulture)
    return 'M' + $Change.Month + '.' + $Change.Week + '.' + [int] $Change.DayOfWeek + '/' + $time
}

function Get-Zone {
    $local = [System.TimeZoneInfo]::Local
    $now = [datetime]::Now
    $zone = @{ iana = $null; posix = $null; windows = [string] $local.Id; utc_offset_minutes = [int] $local.GetUtcOffset($now).TotalMinutes }
    try {
        # .NET 6 and later.
        $iana = $null
        if ([System.TimeZoneInfo]::TryConvertWindowsIdToIanaId($local.Id, [ref] $iana)) { $zone.iana = $iana }
    }
    catch { $zone.iana = $null }
    try {
        $zone.posix = 'STD' + (ConvertTo-PosixOffset $local.BaseUtcOffset)
        $rule = $local.GetAdjustmentRules() | Where-Object { $_.DateStart -le $now -and $_.DateEnd -ge $now -and $_.DaylightDelta.Ticks -ne 0 } | Select-Object -First 1
        if ($null -ne $rule -and $local.SupportsDaylightSavingTime) {
            $start = ConvertTo-PosixChange $rule.DaylightTransitionStart
            $end = ConvertTo-PosixChange $rule.DaylightTransitionEnd
            if ($null -eq $start -or $null -eq $end) { $zone.posix = $null }
            else { $zone.posix += 'DST' + (ConvertTo-PosixOffset ($local.BaseUtcOffset + $rule.DaylightDelta)) + ',' + $start + ',' + $end }
        }
    }
    catch { $zone.posix = $null }
    return $zone
}

function Get-Accounts {
    $accounts = New-Object System.Collections.ArrayList
    foreach ($sid in ($script:Sids.Keys | Sort-Object)) {
        try {
            $name = (New-Object System.Security.Principal.SecurityIdentifier $sid).Translate([System.Security.Principal.NTAccount]).Value
            [void] $accounts.Add(@{ sid = $sid; name = $name })
        }
        catch { Add-Failure $sid $_ }
    }
    return $accounts.ToArray()
}

function Save-Manifest($Identity, [bool] $Elevated) {
    $culture = [System.Globalization.CultureInfo]::CurrentCulture
    $sinceBoot = [timespan]::FromSeconds([System.Diagnostics.Stopwatch]::GetTimestamp() / [double] [System.Diagnostics.Stopwatch]::Frequency)
    $instant = { param($time) $time.ToString('yyyy-MM-ddTHH:mm:ssZ', [System.Globalization.CultureInfo]::InvariantCulture) }
    $manifest = [ordered] @{
        format = 'strongroom-tasks/1'; host = [System.Environment]::MachineName
        collected_at = (& $instant ([datetime]::UtcNow))
        collector = @{ version = '1'; powershell = $PSVersionTable.PSVersion.ToString(); account = $Identity.Name; elevated = $Elevated }
        zone = (Get-Zone); culture = $culture.Name; date_format = $culture.DateTimeFormat.ShortDatePattern
        oem_page = [int] $culture.TextInfo.OEMCodePage; boot_time = (& $instant ([datetime]::UtcNow - $sinceBoot))
        windows = [System.Environment]::OSVersion.Version.ToString(); logged_on = $null
        folders = @($script:Folders); accounts = @(Get-Accounts); tasks = @($script:Tasks); errors = @($script:Failures)
    }
    $json = ConvertTo-Json -InputObject $manifest -Depth 8
    # Under its own name only when it is whole: a collection without a manifest is not finished.
    $part = [System.IO.Path]::Combine($Out, 'manifest.json.part')
    [System.IO.File]::WriteAllText($part, $json, (New-Object System.Text.UTF8Encoding $false))
    [System.IO.File]::Move($part, [System.IO.Path]::Combine($Out, 'manifest.json'))
}

$Out = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Out)
if ([System.IO.Directory]::Exists($Out) -and @([System.IO.Directory]::GetFileSystemEntries($Out)).Count -gt 0) {
    [Console]::Error.WriteLine("$Out is not empty: name a new folder")
    exit 1
}
[void] [System.IO.Directory]::CreateDirectory($Out)

try {
    $service = New-Object -ComObject 'Schedule.Service'
    $service.Connect()
    $root = $service.GetFolder($Folder)
}
catch {
    [Console]::Error.WriteLine('the Task Scheduler cannot be asked: ' + $_.Exception.Message)
    exit 1
}
$identity = [System.Security.Principal.WindowsIdentity]::GetCurrent()
$principal = New-Object System.Security.Principal.WindowsPrincipal $identity
$elevated = $principal.IsInRole([System.Security.Principal.WindowsBuiltInRole]::Administrator)

$start = ''
foreach ($part in $Folder.Trim('\').Split('\')) { if ($part) { $start = $start + '/' + (ConvertTo-FileName $part) } }
Save-Folder $root $start
Save-Manifest $identity $elevated

Write-Output ("{0} tasks, {1} could not be read" -f $script:Tasks.Count, $script:Failures.Count)
if (-not $elevated) {
    [Console]::Error.WriteLine('not an administrator: tasks that this account may not read are missing')
    exit 3
}
if ($script:Failures.Count -gt 0) { exit 3 }
exit 0
